"""A lesson's notebook as a page: what needs a kernel becomes what a browser can do alone."""

import ast
import base64
import hashlib
import html
import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

from nbformat.v4 import new_markdown_cell, new_output

from bookmaker.building.build import RESULTS
from bookmaker.building.links import HOW_TO_RUN
from bookmaker.lessons.figures import WITHHELD
from bookmaker.lessons.lessons import calls_in_cell
from bookmaker.lessons.offered_names import SENTENCE
from bookmaker.site.links import Links, up
from recsys_book.exercises.source import find_exercise
from recsys_book.plotting import frames

_PICTURE = re.compile(r'(<img [^>]*?)src="data:image/(png|svg\+xml);base64,([^"]+)"')
_NOT_YET = "The slider moves when you run the lesson."
_IN_WORDS = (
    # The library's own sentence, of any exercise.
    (
        re.escape(SENTENCE).replace(r"\{0\}", r"[\w.]+"),
        "Your answer is checked when you run the lesson.",
    ),
    (r"Put (a number|numbers) (?:for|in place of) the dots", "Write what you guess into the boxes"),
    (re.escape(f"\n\n{HOW_TO_RUN}"), ""),
)
"""Sentences that speak of a notebook, and what a page says."""


class LessonPages:
    """Stages lessons; pictures and downloads go into a folder that is published as it is.

    Args:
        chapters: folder of the chapters, with the exercises.
        links: of all pages.
        extra: the folder.
    """

    def __init__(self, chapters: Path, links: Links, extra: Path) -> None:
        self.chapters, self.links, self.extra = chapters, links, extra
        (extra / "pictures").mkdir(parents=True, exist_ok=True)

    def staged(self, notebook: Any, page: str) -> Any:
        """The notebook as Sphinx should read it.

        Args:
            notebook: a lesson's, executed; it is changed.
            page: its path from the repository's root.
        """
        cells = []
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown":
                for of_notebook, of_page in _IN_WORDS:
                    cell.source = re.sub(of_notebook, of_page, cell.source)
                cell.source = self.links.rewrite(cell.source, page)
                cells.append(cell)
            elif cell.cell_type == "code":
                cells += self._code(cell, page, f"slider-{number}")
            if number == 0:
                cells.append(new_markdown_cell(self._bar(page)))
        notebook.cells = cells
        return notebook

    def _bar(self, page):
        """How to run this lesson: here, downloaded, or on a machine elsewhere."""
        name = page.split("/", 1)[1]
        parts = [
            f"<details><summary>Open in JupyterLab</summary><p>Run <code>make lab</code> in the "
            f"book's folder, then open <code>work/{name}</code>: "
            f'<a href="{up(page)}run.html">run the book</a>.</p></details>',
            f'<a download href="{up(page)}notebooks/{name}">Download the notebook</a>',
        ]
        if self.links.repository:
            address = self.links.repository
            binder = f"https://mybinder.org/v2/{_of_binder(address)}?urlpath=lab/tree/{page}"
            parts.append(f'<a href="{binder}">Launch on Binder</a>')
            parts.append(f'<a href="{address}/blob/main/{page}">In the repository</a>')
        return f'<div class="lesson-bar">{" ".join(parts)}</div>'

    def _code(self, cell, page, identifier):
        """The cells that stand for a code cell on the page."""
        if guesses := calls_in_cell(cell.source, "guess"):
            return [new_markdown_cell("\n".join(_field(*_arguments(one)) for one in guesses))]
        tags = cell.metadata.setdefault("tags", [])
        results = cell.metadata.get(RESULTS, [])
        shown = list(cell.outputs)
        if withheld := cell.metadata.get(WITHHELD):
            # Of a guess's result the text stands below.
            shown = [one for one in withheld if not (results and one["output_type"] == "stream")]
            tags.append("hide-output")
            cell.metadata["mystnb"] = {"code_prompt_show": "Show the result (guess first)"}
        if calls_in_cell(cell.source, "check"):  # that it is not attempted yet
            shown = []
        if re.match(r"(?:exercise|resolve)\(", cell.source):  # nothing is computed before
            tags.append("remove-input")
        outputs = []
        for output in shown:
            data = output.get("data", {})
            if frames.FRAMES in data:
                slider = self._slider(data, identifier, page)
                output = new_output("display_data", data={"text/html": slider})
            elif "text/html" in data:
                kept = self._with_files(data["text/html"], page)
                output = new_output("display_data", data={"text/html": kept})
            elif "text/markdown" in data:
                data["text/markdown"] = self.links.rewrite(data["text/markdown"], page)
            outputs.append(output)
        if calls_in_cell(cell.source, "explore") and not outputs:
            said = f'<p class="not-yet">{_NOT_YET}</p>'
            outputs.append(new_output("display_data", data={"text/html": said}))
        cell.outputs = outputs
        asked = calls_in_cell(cell.source, "exercise")
        below = [self._hints(_arguments(one)[0]) for one in asked]
        below.append("".join(_result(one) for one in results))
        return [cell, *(new_markdown_cell(text) for text in below if text)]

    def _hints(self, identifier):
        """The hints of an exercise, each folded; no other part of its source."""
        found = find_exercise(identifier, self.chapters)
        hints = found[1].hints if found else []
        return "\n\n".join(
            f"<details class='hint'><summary>Hint {number} of {len(hints)}</summary>\n\n{one}\n\n"
            "</details>"
            for number, one in enumerate(hints, start=1)
        )

    def _slider(self, data, identifier, page):
        """A slider without a kernel; `site.js` moves it."""
        content, drawn = data[frames.FRAMES], frames.frames_in(data)
        shown = [
            {
                "value": one["value"],
                "sentence": one["sentence"],
                "src": self._file(base64.b64decode(one["png"]), "png", page),
            }
            for one in drawn
        ]
        now, last = shown[content["start"]], len(shown) - 1
        sentence, label = html.escape(now["sentence"]), html.escape(content["label"])
        moves = html.escape(json.dumps(shown), quote=True)
        return (
            f'<div class="frames" data-frames="{moves}"><label for="{identifier}">{label}: '
            f"<b>{html.escape(now['value'])}</b></label>"
            f'<input type="range" id="{identifier}" min="0" max="{last}" '
            f'value="{content["start"]}" aria-valuetext="{html.escape(now["value"])}">'
            f'<p aria-live="polite">{sentence}</p><img alt="{sentence}" '
            f'width="{drawn[content["start"]]["width"]}" src="{now["src"]}"></div>'
        )

    def _with_files(self, text, page):
        def replace(found):
            kind = found[2].partition("+")[0]
            source = self._file(base64.b64decode(found[3]), kind, page)
            return f'{found[1]}loading="lazy" src="{source}"'

        return _PICTURE.sub(replace, text)

    def _file(self, content, ending, page):
        """Keep a picture under its hash; its address from the page."""
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
        path = self.extra / "pictures" / name
        if not path.exists():
            path.write_bytes(content)
        return f"{up(page)}pictures/{name}"


def _of_binder(repository):
    """The part of a Binder's address that names a repository."""
    if repository.startswith("https://github.com/"):
        return f"gh/{repository.removeprefix('https://github.com/')}/HEAD"
    return f"git/{urllib.parse.quote(repository, safe='')}/HEAD"


def _arguments(call):
    return [one.value for one in call.args if isinstance(one, ast.Constant)]


def _field(name, _, unit=""):
    unit = html.escape(unit)
    return (
        f'<p class="guess"><label>Your guess, {_in_words(name)}: <input inputmode="decimal" '
        f'data-guess="{name}"> {unit}</label></p>\n'
    )


def _result(result):
    came = html.escape(f"{result['value']} {result['unit']}")
    return (
        f'<p class="result" data-guess="{result["name"]}" data-came="{result["value"]}" '
        f'aria-live="polite"><em>{_in_words(result["name"])}</em>: {came}<span></span></p>\n'
    )


def _in_words(name):
    return name.replace("_", " ")
