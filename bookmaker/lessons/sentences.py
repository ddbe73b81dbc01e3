"""Holds the ticks in a lesson's prose against its exact checks and against the records.

A sentence ends in ``[≡](#chapter.model.what)`` where a cell calls ``exact("chapter.model.what",
...)``, in ``[✓](#...)`` where a record confirms the finding of this name, and in ``[○](#...)``
where it has the finding and does not confirm it. Guesses are held against their answers, too.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bookmaker.lessons.figures import FOLDED
from bookmaker.lessons.lessons import calls_in_cell, read_text
from bookmaker.lessons.prose import without_code
from recsys_book.base.paths import LessonError
from recsys_book.records.records import is_confirmed, record_of, records
from recsys_book.records.sentences import BY_COMPUTATION, CONFIRMED, IDENTIFIER, NOT_SHOWN

BLOCK = "checked_sentences"
RECORDS = ("evidence", "recorded", "runs", "dots", "how_measured")
"""Functions whose first argument names an experiment."""
FINDINGS = ("finding", BLOCK)
"""Functions whose arguments name findings of experiments."""

_MARKS = (BY_COMPUTATION, CONFIRMED, NOT_SHOWN)
_TICK = re.compile(r"\[([^\]]*)\]\(#([^)\s]+)\)")


@dataclass(frozen=True)
class Tick:
    """A link from prose to a checked sentence: its cell, from 1, its mark, and whose it is."""

    cell: int
    mark: str
    identifier: str

    @property
    def where(self) -> str:
        return f"cell {self.cell}: [{self.mark}](#{self.identifier})"


def ticks(notebook: Any) -> list[Tick]:
    """The ticks in the prose of a lesson, in their order; none in code.

    Args:
        notebook: a lesson.
    """
    return [one for one in _links(notebook) if IDENTIFIER.fullmatch(one.identifier)]


def _links(notebook):
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown":
            for found in _TICK.finditer(without_code(cell.source)):
                yield Tick(number, *found.groups())


def _malformed(notebook):
    """Ticks that name nothing by an identifier, and so would be held against nothing."""
    for tick in _links(notebook):
        if tick.mark in _MARKS and not IDENTIFIER.fullmatch(tick.identifier):
            wanted = "the identifier of a check or finding"
            yield f"{tick.where}: expected {wanted}, got {tick.identifier}"


def experiments_named(sources: Iterable[str]) -> list[str]:
    """The experiments whose records sources show, in alphabetical order.

    Args:
        sources: Python code; only names that stand there literally are found.

    Example:
        >>> experiments_named(['evidence("a.b")', 'finding("c.d.wins")', 'recorded(name)'])
        ['a.b', 'c.d']
    """
    found = set()
    for _, name, call in _calls(sources, (*RECORDS, *FINDINGS)):
        for one in filter(None, _literals(call)):
            found.add(one.rpartition(".")[0] if name in FINDINGS else one)
    return sorted(found - {""})


def results_of(chapters: Path) -> Path:
    """Where the records lie that lessons of a folder of chapters show.

    Args:
        chapters: the folder of the chapters.
    """
    return Path(chapters).parent / "experiments" / "results"


def findings_recorded(results: Path) -> dict[str, dict[str, Any]]:
    """All recorded findings by their identifiers, ``"chapter.name.finding"``.

    Args:
        results: folder of the records.
    """
    return {
        f"{identifier}.{name}": found
        for identifier, record in records(results).items()
        for name, found in record["findings"].items()
    }


def exact_checks(notebook: Any) -> Iterator[tuple[int, str | None, str | None]]:
    """The exact checks of a lesson, in their order.

    Args:
        notebook: its content.

    Yields:
        Number of the cell, identifier and statement; None for what does not stand in the call as a
        text.
    """
    for number, source in enumerate(_sources(notebook), start=1):
        for call in calls_in_cell(source, "exact"):
            given: dict[str | None, ast.expr] = {k.arg: k.value for k in call.keywords}
            given |= zip(("identifier", "statement"), call.args, strict=False)
            yield number, _text(given.get("identifier")), _text(given.get("statement"))


def problems_between(text_paths: Iterable[Path], findings: Iterable[str] = ()) -> list[str]:
    """The sentences that more than one lesson checks, or that have the name of a finding.

    Args:
        text_paths: of the lessons.
        findings: identifiers of all recorded findings; no check may bear the name of one.

    Returns:
        One line for each.
    """
    findings = set(findings)
    owners: dict[str, list[Path]] = {}
    for text_path in text_paths:
        try:
            notebook = read_text(text_path)
        except LessonError:
            continue
        for identifier in sorted({name for _, name, _ in exact_checks(notebook) if name}):
            owners.setdefault(identifier, []).append(text_path)
    twice = [
        f"{paths[1]}: exact {identifier} is already checked in {paths[0]}"
        for identifier, paths in sorted(owners.items())
        if len(paths) > 1
    ]
    recorded = [
        f"{path}: exact {identifier} has the name of a recorded finding"
        for identifier in sorted(set(owners) & findings)
        for path in owners[identifier]
    ]
    return twice + recorded


def problems(text_path: Path, notebook: Any) -> list[str]:
    """The faults of ticks, exact checks, shown findings and guesses of a lesson.

    Args:
        text_path: the lesson's text.
        notebook: its content.

    Returns:
        One line for each problem.
    """
    results = results_of(Path(text_path).parent.parent)
    found = [
        *_faults(notebook),
        *_of_records(notebook, results),
        *_malformed(notebook),
        *_of_ticks(notebook, results),
        *_of_block(notebook),
        *_of_guesses(notebook),
    ]
    return [f"{text_path}: {line}" for line in found]


def _faults(notebook):
    """Calls whose names stand nowhere literally, so that nothing can be held against them."""
    for number, identifier, statement in exact_checks(notebook):
        for what, text in (("identifier", identifier), ("statement", statement)):
            if text is None:
                yield f"cell {number} calls exact without a literal {what}"
    for number, name, call in _calls(_sources(notebook), (*RECORDS, *FINDINGS)):
        if None in _literals(call):
            yield f"cell {number} calls {name} without a literal identifier"


def _of_records(notebook, results):
    """Records that are not there, and findings that the records lack."""
    for experiment in experiments_named(_sources(notebook)):
        if _findings_of(experiment, results) is None:
            yield (
                f"no record of {experiment}; run `python -m experiments run {experiment}`, or take "
                "what shows it from the lesson"
            )
    for number, name, call in _calls(_sources(notebook), FINDINGS):
        for identifier in filter(None, _literals(call)):
            yield from _lacking(identifier, results, f"cell {number}: {name}")


def _lacking(identifier, results, where):
    """Whether a record lacks a finding."""
    experiment, _, finding = identifier.rpartition(".")
    known = _findings_of(experiment, results)
    if known is not None and finding not in known:
        yield f"{where}: expected one of {sorted(known)} of {experiment}, got {finding}"


def _of_ticks(notebook, results):
    """Ticks that lead nowhere or say the wrong thing, and checks without a tick."""
    exact = [identifier for _, identifier, _ in exact_checks(notebook) if identifier]
    named = experiments_named(_sources(notebook))
    blocks = _calls(_sources(notebook), (BLOCK,))
    in_block = {one for _, _, call in blocks for one in _literals(call)}
    for tick in ticks(notebook):
        experiment, _, finding = tick.identifier.rpartition(".")
        known = _findings_of(experiment, results)
        if tick.identifier in exact:
            if tick.mark != BY_COMPUTATION:
                yield f"{tick.where}: expected {BY_COMPUTATION}, an exact check"
            continue
        if known is None and experiment not in named:
            yield f"{tick.where}: no exact check and no record has this name"
            continue
        if known is not None and finding not in known:
            yield from _lacking(tick.identifier, results, tick.where)
            continue
        if known is not None:
            confirmed = is_confirmed(known[finding])
            if tick.mark != (wanted := CONFIRMED if confirmed else NOT_SHOWN):
                said = f"the record {'confirms' if confirmed else 'does not confirm'} this finding"
                said = known[finding].get("withdrawn", said)
                yield f"{tick.where}: expected {wanted}, {said}"
        if tick.identifier not in in_block:
            yield f"{tick.where}: expected its finding among those of {BLOCK}(...)"
    ticked = {tick.identifier for tick in ticks(notebook)}
    for identifier, count in Counter(exact).items():
        if identifier not in ticked:
            yield f"exact {identifier} is checked; no sentence of prose links to it"
        if count > 1:
            yield f"exact {identifier} is checked in {count} places"


def _of_block(notebook):
    """Where the block of checked sentences is missing, not folded, or above what it has to show."""
    blocks = [number for number, _, _ in _calls(_sources(notebook), (BLOCK,))]
    exact = [number for number, _, _ in exact_checks(notebook)]
    if len(blocks) != 1:
        if exact or blocks or ticks(notebook):
            yield f"calls {BLOCK}(...) {len(blocks)} times, expected once"
        return
    (block,) = blocks
    if FOLDED not in notebook.cells[block - 1].metadata.get("tags", []):
        yield f"cell {block} calls {BLOCK}(...), expected the tag {FOLDED}"
    for number in dict.fromkeys(one for one in exact if one >= block):
        yield f"cell {number} calls exact behind {BLOCK}(...), which does not show it"


def _of_guesses(notebook):
    """Guesses that are not resolved, answers that nobody asked for, and a guess that is given."""
    found: dict[str, dict[str, int]] = {"guess": {}, "resolve": {}}
    for number, name, call in _calls(_sources(notebook), tuple(found)):
        (said,) = _literals(call)
        if said is None:
            yield f"cell {number} calls {name} without a literal name"
        elif said in found[name]:
            yield f"cell {number}: {name}({said!r}, ...) stands in cell {found[name][said]}, too"
        else:
            found[name][said] = number
        if name == "guess" and not _is_open(call):
            yield f"cell {number}: guess({said!r}, ...): expected `...` for the reader's"
    asked, resolved = found.values()
    for name, number in asked.items():
        if name not in resolved:
            yield f"cell {number}: guess({name!r}, ...) is nowhere resolved"
        elif resolved[name] <= number:
            yield f"cell {resolved[name]}: resolve({name!r}, ...) stands before its guess"
    for name, number in resolved.items():
        if name not in asked:
            yield f"cell {number}: resolve({name!r}, ...) answers what no guess asks"


def _is_open(call):
    """Whether a guess is left to the reader."""
    values = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "value")]
    return len(values) == 1 and getattr(values[0], "value", None) is ...


def _literals(call: ast.Call) -> list[str | None]:
    """The names that a call gives; None for each that does not stand there as a text."""
    if getattr(call.func, "id", None) == BLOCK:
        return [_text(one) for one in call.args]
    keywords = [k.value for k in call.keywords if k.arg in ("identifier", "experiment", "name")]
    return [_text(one) for one in [*call.args, *keywords, None][:1]]


def _text(node: ast.expr | None) -> str | None:
    """What stands in a call as a text; None for all else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _calls(sources: Iterable[str], names: Iterable[str]) -> list[tuple[int, str, ast.Call]]:
    """The calls of functions of the book: the source's number, from 1, the name, and the call.

    A method of this name is another thing, as is a function that the sources define themselves.
    """
    sources = list(sources)
    return [
        (number, name, call)
        for name in names
        if not any(re.search(rf"^ *def {name}\(", one, re.MULTILINE) for one in sources)
        for number, source in enumerate(sources, start=1)
        for call in calls_in_cell(source, name)
        if isinstance(call.func, ast.Name)
    ]


def _sources(notebook: Any) -> list[str]:
    """Of each cell of a lesson its code; nothing of its prose."""
    return [cell.source if cell.cell_type == "code" else "" for cell in notebook.cells]


def _findings_of(experiment, results):
    """The findings of an experiment; None where it has no record."""
    recorded = (Path(results) / f"{experiment}.json").exists()
    return record_of(experiment, results)["findings"] if recorded else None
