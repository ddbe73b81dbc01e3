"""Checked sentences: exact statements of a lesson, and recorded findings, in one closed block.

In prose a sentence ends in a link of one character, ``[≡](#sequence.din.twice_is_double)``, to its
row in the block: ≡ for an exact check, which is so by computation, ✓ for a finding that its record
confirms, ○ for a finding that was measured and not shown.
"""

import html
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recsys_book.records.records import finding_of, is_confirmed, measured, said

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
BY_COMPUTATION, CONFIRMED, NOT_SHOWN = "≡", "✓", "○"
# A browser opens a closed block for a link to a row in it, JupyterLab does not: it only scrolls,
# and to the first row of this name on the page, be it in another tab. The heights of cells that
# were never shown are guesses, and the row moves once they are known: so it is sought in 30 frames.
_OPEN_BLOCK = (
    "if (!window.checkedSentences) { window.checkedSentences = true;"
    " document.addEventListener('click', event => {"
    " const link = event.target.closest?.('a[href^=\"#\"]');"
    " const page = link?.closest('.jp-Notebook') ?? document;"
    " const name = decodeURIComponent(link?.hash.slice(1) ?? '');"
    ' const row = name && page.querySelector(`details tr[id="${CSS.escape(name)}"]`);'
    " if (!row) return;"
    " event.preventDefault(); event.stopImmediatePropagation();"
    " row.closest('details').open = true;"
    " const look = frames => { row.scrollIntoView({ block: 'center' });"
    " if (frames) requestAnimationFrame(() => look(frames - 1)); }; look(30); }, true); }"
)
EXACT = "exact: checked whenever this notebook runs"
_DATA = {"movielens": "MovieLens", "kuairand_pure": "KuaiRand-Pure"}

# The statements that hold in this kernel, by their identifiers.
_checked: dict[str, str] = {}


def exact(identifier: str, statement: str, holds: bool | np.bool_) -> None:
    """Check an exact statement of the book: an identity, a shape, a count, a gradient.

    Nothing is printed: ``checked_sentences`` shows it.

    Args:
        identifier: dotted lower-case name, such as ``"sequence.din.twice_is_double"``; unique in
            the book, and linked to from the prose of the same lesson.
        statement: the sentence, on one line.
        holds: whether it does.

    Raises:
        AssertionError: ``holds`` is false; the message names identifier and statement.
        TypeError: ``holds`` is not a boolean, or the statement is not a string.
        ValueError: the identifier is malformed or already stands for another statement in this
            kernel, or the statement is empty or spans several lines.

    Example:
        >>> exact("arithmetic.sum.of_two", "Two and two are four.", 2 + 2 == 4)
    """
    if not isinstance(identifier, str) or not IDENTIFIER.fullmatch(identifier):
        raise ValueError(
            "exact, identifier: expected dotted lower-case words, such as "
            f"'sequence.din.twice_is_double', got {identifier!r}"
        )
    statement = _one_line(identifier, statement)
    if not isinstance(holds, bool | np.bool_):
        raise TypeError(
            f"exact {identifier}: holds must be a bool or numpy.bool_, got "
            f"{type(holds).__name__} {holds!r}"
        )
    earlier = _checked.get(identifier, statement)
    if earlier != statement:
        raise ValueError(
            f"exact {identifier} already stands for {earlier!r} in this kernel, now "
            f"{statement!r}; use another identifier, or restart the kernel after rewording"
        )
    if not holds:
        _checked.pop(identifier, None)
        raise AssertionError(f"exact {identifier} does not hold: {statement}")
    _checked[identifier] = statement


def _one_line(identifier, statement):
    if not isinstance(statement, str):
        raise TypeError(
            f"exact {identifier}: statement must be a string, got {type(statement).__name__}"
        )
    statement = statement.strip()
    if not statement:
        raise ValueError(f"exact {identifier}: statement is empty")
    if "\n" in statement:
        raise ValueError(f"exact {identifier}: statement must stand on one line, got {statement!r}")
    return statement


def checked_sentences(*findings: str, results: Path | None = None) -> None:
    """Display what was checked, in a closed block to which the prose's ticks lead.

    Args:
        *findings: identifiers of recorded findings, ``"chapter.name.finding"``; they stand below
            all exact statements that this kernel has checked.
        results: folder of the records; default: that of this checkout.

    Raises:
        ValueError: no such record or finding, or one named twice.
    """
    from IPython.display import HTML, display

    display(HTML(render_sentences(_checked, findings, results)))


def render_sentences(
    checks: Mapping[str, str], findings: Iterable[str], results: Path | None = None
) -> str:
    """The display of ``checked_sentences``.

    Args:
        checks: the statements of the exact ones, by their identifiers.
        findings, results: as for ``checked_sentences``.

    Returns:
        HTML; the same for the same statements and records.

    Raises:
        ValueError: as ``checked_sentences``.
    """
    findings = list(findings)
    twice = sorted({name for name in findings if findings.count(name) > 1})
    if twice:
        raise ValueError(f"checked_sentences: expected each finding once, got twice {twice}")
    rows = [_row(name, BY_COMPUTATION, statement, EXACT) for name, statement in checks.items()]
    for identifier in findings:
        record, name = finding_of(identifier, results)
        found = record["findings"][name]
        mark = CONFIRMED if is_confirmed(found) else NOT_SHOWN
        shown = f"{measured(found)}; {setting(record, name)}"
        rows.append(_row(identifier, mark, said(found), shown))
    # In a notebook that the reader has not run yet no script runs. A tick then leads to the closed
    # block: JupyterLab scrolls to the first element that is marked so.
    names = [*checks, *findings]
    marks = "".join(f'<span data-jupyter-id="{html.escape(name)}"></span>' for name in names)
    return "\n".join(
        [
            "<details>",
            f"<summary>{marks}{len(checks)} exact, {len(findings)} recorded</summary>",
            "<table>",
            f"<thead><tr><th></th>{_cell('sentence', 'th')}{_cell('how it is known', 'th')}</tr>"
            "</thead>",
            "<tbody>",
            *rows,
            "</tbody>",
            "</table>",
            "</details>",
            f"<script>{_OPEN_BLOCK}</script>",
        ]
    )


def setting(record: Mapping[str, Any], name: str) -> str:
    """Where a finding was measured: the lens and its knobs, or the data set and its split.

    Args:
        record: manifest of the record.
        name: of the finding in it.

    Returns:
        One line; knobs are those that the experiment sets, all others are the lens's defaults.
    """
    declared = record["declaration"]
    knobs = dict(declared.get("knobs", {}))
    contrast = next(one for one in declared["contrasts"] if one["finding"] == name)
    if declared.get("sweep") is not None:
        at = contrast.get("at")
        values = declared["sweep"]["values"] if at is None else at
        knobs[declared["sweep"]["knob"]] = values
    if declared.get("data") is not None:
        data = declared["data"]
        where = [f"data {_DATA.get(data, data)}", f"split {declared['split'].replace('_', ' ')}"]
    else:
        # One that stands beside its declaration is named by its function alone.
        where = [f"lens {declared['lens'].rpartition(':')[2]}"]
    part = contrast.get("part", "all")
    slices = [] if part == "all" else [f"slice {part}"]
    return ", ".join([*where, *(f"{knob} {_in_words(of)}" for knob, of in knobs.items()), *slices])


def _row(identifier, mark, statement, shown):
    return (
        f'<tr id="{html.escape(identifier)}"><td>{mark}</td>{_cell(html.escape(statement))}'
        f"{_cell(f'{html.escape(shown)}<br><code>{html.escape(identifier)}</code>')}</tr>"
    )


def _cell(content, kind="td"):
    # A notebook aligns tables to the right, as numbers want it.
    return f'<{kind} style="text-align: left">{content}</{kind}>'


def _in_words(value):
    if isinstance(value, list):
        return " and ".join(_in_words(one) for one in value) if value else "none"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
