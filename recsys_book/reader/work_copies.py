"""Work copies: the notebooks that a reader opens and answers, apart from the published book.

The folder ``work/`` mirrors ``chapters/``: start page, lessons, labs, and the pages and pictures
that they link to. `refresh` copies missing files, renews files that the reader has not
changed, and keeps the others; a newer lesson is then put beside the answered one, as
``NN_slug.new.ipynb``. A copy's metadata say what it was copied from, so that a killed run does no
harm and a renamed copy keeps its history. ``work/.copied.json`` holds the rest: the pages, which
have no metadata, and which answers have been taken over from ``chapters/``. Without it, a page that
is not the published one counts as changed.
"""

import contextlib
import json
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from recsys_book.base import paths
from recsys_book.base.notebook_sources import (
    UnreadableNotebook,
    digest,
    digest_of,
    read_notebook,
    source_of_cell,
    sources_of_notebook,
    sources_of_text,
    write_notebook,
)
from recsys_book.reader.work_report import Report

FOLDER = "work"
RECORD = ".copied.json"
METADATA = "work_copy"
START_PAGE = "index.ipynb"
IN_CHAPTERS = """\
**Answer in a copy.** Do not work in the folder `chapters/`, where an update meets your answers.
`make lab`, or without make `python -m recsys_book lab`, opens a copy of the whole book in the
folder `work/`, which is yours."""
IN_WORK = """\
**This is your copy**, in the folder `work/`. An update renews what you have not changed and leaves
your answers alone: where you have answered, the newer lesson lies beside yours as
`NN_slug.new.ipynb`."""
PICTURES = (".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp")
# Saving a copy must not write a text beside it, even where jupytext is installed.
JUPYTEXT = '# Copies have no text beside them.\nformats = "ipynb"\n'
_OLD_SECONDS = 600
_BESIDE = re.compile(r"\.(new|from_chapters\d*)(?=\.\w+$)")
_TEXT = re.compile(r"(\d\d[a-z]?_|lab_).*\.md")


@dataclass(frozen=True)
class _Notebook:
    """A notebook, the hash of its sources, and its metadata about copying."""

    content: dict
    sources: str
    copied: dict

    def holds_answers(self, edition=None):
        """Whether it differs from the copied and from the published notebook."""
        published = None if edition is None else edition.sources
        return self.sources not in (self.copied.get("sources"), published)


@dataclass(frozen=True)
class _Edition:
    """A published notebook, and the one in ``chapters/`` if it holds answers.

    Args:
        sources: hash of the published sources.
        content: the published notebook; None if only its text is known.
        file: hash of the published notebook with its outputs.
        answers: the notebook in ``chapters/`` if it is not the published one.
    """

    sources: str
    content: dict | None
    file: str
    answers: dict | None = None


def refresh(chapters: Path | None = None, work: Path | None = None) -> Report:
    """Bring the work copies up to date, and keep the reader's changes.

    Args:
        chapters: the folder of the chapters; by default the book's.
        work: the folder of the copies; by default ``work`` beside the chapters.

    Returns:
        A report of copied, renewed and kept files; ``lines()`` is its text.

    Raises:
        LessonError: there are no chapters, as in an installation from a wheel.
    """
    chapters = Path(chapters or paths.CHAPTERS)
    if not (chapters / START_PAGE).is_file():
        raise paths.LessonError(
            f"work copies: expected the book's start page at {chapters / START_PAGE}, got no such "
            "file; work in a clone of the book"
        )
    return _Copies(chapters, Path(work or chapters.parent / FOLDER)).refresh()


@dataclass
class _Copies:
    chapters: Path
    work: Path
    report: Report = field(default_factory=Report)

    def refresh(self):
        self.work.mkdir(parents=True, exist_ok=True)
        self._remove_leftovers()
        self._write("jupytext.toml", JUPYTEXT.encode())
        record = _read_record(self.work / RECORD)
        self.pages, self.taken = record["pages"], record["taken"]
        notebooks, pages = _published(self.chapters)
        for name in notebooks:
            self._refresh_notebook(name)
        for name in pages:
            self._refresh_page(name)
        self._remove_unpublished(notebooks)
        record = {"pages": self.pages, "taken": self.taken}
        self._write(RECORD, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
        return self.report

    def _refresh_notebook(self, name):
        try:
            edition = _edition(self.chapters, name)
        except UnreadableNotebook as error:
            self.report.unreadable.append(f"chapters/{name}: {error}")
            return
        answers = edition.answers
        if answers is not None and digest(sources_of_notebook(answers)) != self.taken.get(name):
            self._take_over(name, edition)
            return
        if edition.content is None:
            # Only answers are here, and they have been copied.
            if not (self.work / name).exists():
                self._write_notebook(name, edition, edition.answers)
            return
        self._refresh_copy(name, edition)

    def _refresh_copy(self, name, edition):
        mine, beside = self._read(name), _beside(name, "new")
        if mine is None:
            self._write_notebook(name, edition, edition.content)
            self.report.copied.append(name)
        elif isinstance(mine, UnreadableNotebook):
            self.report.unreadable.append(f"work/{name}: {mine}")
        elif not mine.holds_answers(edition):
            if mine.sources != edition.sources or mine.copied.get("file") != edition.file:
                self._write_notebook(name, edition, edition.content)
                self.report.renewed.append(name)
        elif mine.copied.get("sources") == edition.sources:
            self.report.kept.append(name)
        else:
            self._renew_beside(beside, edition)
            self.report.newer.append(name)
            return
        newer = self._read(beside)
        if isinstance(newer, _Notebook) and not newer.holds_answers(edition):
            (self.work / beside).unlink()

    def _renew_beside(self, beside, edition):
        """Write the published lesson beside an answered one, unless that holds answers too."""
        newer = self._read(beside)
        if isinstance(newer, UnreadableNotebook):
            self.report.unreadable.append(f"work/{beside}: {newer}")
        elif newer is not None and newer.holds_answers(edition):
            self.report.both.append(beside)
        elif newer is None or newer.copied.get("file") != edition.file:
            self._write_notebook(beside, edition, edition.content)

    def _take_over(self, name, edition):
        """Copy the answers that a notebook in ``chapters/`` holds, once."""
        sources = digest(sources_of_notebook(edition.answers))
        numbers = ("", *range(2, 1000))
        for target in (name, *(_beside(name, f"from_chapters{number}") for number in numbers)):
            there = self._read(target)
            if isinstance(there, UnreadableNotebook):
                continue
            if there is not None and there.sources == sources:
                break  # a killed run has written it
            was_taken = there is not None and there.sources == self.taken.get(name)
            if there is None or was_taken or not there.holds_answers(edition):
                self._write_notebook(target, edition, edition.answers)
                break
        self.taken[name] = sources
        self.report.taken.append(target)

    def _refresh_page(self, name):
        """Pages and pictures, by the rules of notebooks; the record holds what was copied."""
        content = (self.chapters / name).read_bytes()
        published, path = digest_of(content), self.work / name
        mine = digest_of(path.read_bytes()) if path.is_file() else None
        beside = _beside(name, "new")
        if mine not in (None, published, self.pages.get(name)):
            if self.pages.get(name) != published:
                self._write(beside, content)
            self.report.newer.append(name)
            return
        self._write(name, content)
        self.pages[name] = published
        (self.work / beside).unlink(missing_ok=True)

    def _remove_unpublished(self, notebooks):
        """Remove copies of lessons that the book no longer has, unless they hold answers."""
        for path in sorted(self.work.glob("[0-9][0-9]_*/*.ipynb")):
            name = path.relative_to(self.work).as_posix()
            mine = None if _BESIDE.sub("", name) in notebooks else self._read(name)
            # A reader's own notebooks, and duplicates of copies, have no name or another one.
            if not isinstance(mine, _Notebook) or mine.copied.get("name") != name:
                continue
            if mine.holds_answers():
                self.report.gone.append(name)
                continue
            path.unlink()
            with contextlib.suppress(OSError):
                path.parent.rmdir()

    def _read(self, name):
        """A copy, None if there is none, or its fault."""
        path = self.work / name
        content = path.read_bytes() if path.is_file() else b""
        if not content.strip():
            return None
        try:
            return _known(read_notebook(content))
        except UnreadableNotebook as error:
            return error

    def _write_notebook(self, name, edition, content):
        copied = {"name": name, "sources": edition.sources, "file": edition.file}
        metadata = {**content.get("metadata", {}), METADATA: copied}
        self._write(name, write_notebook({**content, "metadata": metadata}).encode())

    def _write(self, name, content):
        path = self.work / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            paths.write_atomically(path, content)

    def _remove_leftovers(self):
        """Remove files of a killed run, but not those of a run that may be writing now."""
        for pattern in (".*.ipynb.*", ".*.json.*", ".*.md.*", ".*.toml.*"):
            for path in [*self.work.glob(pattern), *self.work.glob(f"[0-9][0-9]_*/{pattern}")]:
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > _OLD_SECONDS:
                        path.unlink()


def _beside(name, ending):
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{ending}.{suffix}"


def _published(chapters):
    """The names of the notebooks, and of the pages and pictures that they link to."""
    notebooks, pages = [], []
    for path in [*sorted(chapters.glob("*")), *sorted(chapters.glob("[0-9][0-9]_*/**/*"))]:
        name = path.relative_to(chapters)
        if not path.is_file() or any(part.startswith(".") for part in name.parts):
            continue
        if ".exercises." in path.name:
            continue
        if path.suffix == ".ipynb":
            notebooks.append(name.as_posix())
        elif path.suffix in PICTURES or (
            path.suffix == ".md"
            and not _TEXT.fullmatch(path.name)
            and not path.with_suffix(".ipynb").exists()
        ):
            pages.append(name.as_posix())
    return notebooks, pages


def _edition(chapters, name):
    """The published form of a notebook in ``chapters/``, and the answers that it may hold.

    A notebook is as published if its sources are those of its text, or those that git has.

    Raises:
        UnreadableNotebook: there is no readable published form.
    """
    path = chapters / name
    text_path = path.with_suffix(".md")
    text = sources_of_text(text_path.read_text(encoding="utf-8")) if text_path.is_file() else None
    try:
        notebook = read_notebook(path.read_bytes())
    except UnreadableNotebook:
        notebook = None
    if notebook is not None and text in (None, sources_of_notebook(notebook)):
        return _as_edition(name, notebook)
    committed = _committed(path)
    if committed is not None:
        committed = read_notebook(committed)
    if notebook is None:
        if committed is None:
            raise UnreadableNotebook("neither the file nor git has a readable notebook")
        return _as_edition(name, committed)
    if committed is None:
        sources = digest(_localised_sources(name, text))
        return _Edition(sources, None, "", _localised(name, notebook))
    if sources_of_notebook(committed) == sources_of_notebook(notebook):
        return _as_edition(name, notebook)
    return _as_edition(name, committed, _localised(name, notebook))


def _as_edition(name, notebook, answers=None):
    content = _localised(name, notebook)
    file = digest_of(write_notebook(content).encode())
    return _Edition(digest(sources_of_notebook(content)), content, file, answers)


def _localised(name, notebook):
    """The notebook in its form for ``work/``: its start page says that it is a copy."""
    if name != START_PAGE:
        return notebook
    cells = [
        {**cell, "source": source_of_cell(cell).replace(IN_CHAPTERS, IN_WORK).splitlines(True)}
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def _localised_sources(name, sources):
    if name != START_PAGE:
        return sources
    return [[kind, source.replace(IN_CHAPTERS, IN_WORK)] for kind, source in sources]


def _committed(path):
    """The committed content of a file; None without git, or if git does not track it."""
    try:
        finished = subprocess.run(
            ["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, capture_output=True
        )
    except OSError:
        return None
    return finished.stdout if finished.returncode == 0 else None


def _known(notebook):
    metadata = notebook.get("metadata")
    copied = metadata.get(METADATA) if isinstance(metadata, dict) else None
    sources = digest(sources_of_notebook(notebook))
    return _Notebook(notebook, sources, copied if isinstance(copied, dict) else {})


def _read_record(path):
    """The record's two dicts of name to hash; empty ones if it is missing or broken."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {}
    parts = {}
    for part in ("pages", "taken"):
        known = record.get(part) if isinstance(record, dict) else None
        parts[part] = dict(known) if isinstance(known, dict) else {}
    return parts
