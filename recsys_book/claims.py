"""Claims: sentences of the book, each bound to a cell that measures whether it holds.

In prose a sentence carries its identifier as a code span, ``claim: chapter.model.what``; the cell
that checks it calls `claim` with the same identifier. A claim that does not hold raises an error,
so a lesson whose sentence is no longer true cannot be executed.
"""

import html
import re
from dataclasses import dataclass

import numpy as np

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
MARK = "✓"


class ClaimFailed(AssertionError):
    """A statement of the book does not hold for the measured numbers."""


@dataclass(frozen=True)
class CheckedClaim:
    """One claim that holds in this kernel; ``evidence`` is None for an exact check."""

    identifier: str
    statement: str
    evidence: str | None


_checked: dict[str, CheckedClaim] = {}


def claim(identifier, statement, holds, evidence):
    """Check one statement of the book and print it with the measured numbers.

    Args:
        identifier: dotted lower-case name, such as ``"memorization.wide.seen_rules"``; unique in
            the book and written in the prose of the same lesson.
        statement: the sentence, on one line.
        holds: `bool` or `numpy.bool_`; whether the measurements confirm the statement.
        evidence: the measured numbers, on one line.

    Raises:
        ClaimFailed: if ``holds`` is false; the message names identifier, statement and evidence.
        TypeError: if ``holds`` is not a boolean, or a text is not a string.
        ValueError: if the identifier is malformed or already stands for another statement in this
            kernel, or if a text is empty or spans several lines.
    """
    _require_identifier(identifier, "claim")
    evidence = _one_line("claim", "evidence", identifier, evidence)
    found = keep("claim", identifier, statement, holds, evidence)
    print(f"{MARK} {identifier}: {found.statement}\n  evidence: {found.evidence}")


def keep(kind, identifier, statement, holds, evidence=None):
    """Add a statement that holds to those checked in this kernel.

    Args:
        kind: the function that the lesson called, for messages.
        identifier, statement, holds: as for `claim`.
        evidence: the measured numbers, on one line; None for an exact check.

    Returns:
        The `CheckedClaim`.

    Raises:
        ClaimFailed, TypeError, ValueError: as `claim`.
    """
    _require_identifier(identifier, kind)
    statement = _one_line(kind, "statement", identifier, statement)
    if not isinstance(holds, bool | np.bool_):
        raise TypeError(
            f"{kind} {identifier}: holds must be a bool or numpy.bool_, got "
            f"{type(holds).__name__} {holds!r}"
        )
    earlier = _checked.get(identifier)
    if earlier is not None and earlier.statement != statement:
        raise ValueError(
            f"{kind} {identifier} already stands for {earlier.statement!r} in this kernel, now "
            f"{statement!r}; use another identifier, or restart the kernel after rewording"
        )
    if not holds:
        _checked.pop(identifier, None)
        measured = "" if evidence is None else f"\n  evidence: {evidence}"
        raise ClaimFailed(f"{kind} {identifier} does not hold: {statement}{measured}")
    _checked[identifier] = CheckedClaim(identifier, statement, evidence)
    return _checked[identifier]


def exact_checks():
    """Return the `CheckedClaim` objects without evidence of this kernel, in order."""
    return [item for item in _checked.values() if item.evidence is None]


def claims_table():
    """Display the claims checked so far in this kernel as a table with their evidence."""
    from IPython.display import HTML, display

    measured = [item for item in _checked.values() if item.evidence is not None]
    display(HTML(render_table(measured)))


def render_table(checked):
    """Return the HTML table of `CheckedClaim` objects.

    Each evidence is on a separate line after the word ``evidence:`` in a comment, because the
    notebooks' comparison masks everything that follows this word on a line.
    """
    lines = [
        "<table>",
        "<thead><tr><th>claim</th><th>statement</th><th>evidence</th></tr></thead>",
        "<tbody>",
    ]
    for item in checked:
        lines += [
            f"<tr><td><code>{html.escape(item.identifier)}</code></td>",
            f"<td>{html.escape(item.statement)}</td>",
            f"<td><!-- evidence: -->{html.escape(item.evidence)}</td>",
            "</tr>",
        ]
    if len(lines) == 3:
        lines.append('<tr><td colspan="3">No claim has been checked in this kernel yet.</td></tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])


def parse_output(text):
    """Return the `CheckedClaim` objects that `claim` printed into ``text``, in order."""
    pattern = re.compile(
        rf"^{MARK} ({IDENTIFIER.pattern}): (.+)\n  evidence: (.+)$", flags=re.MULTILINE
    )
    return [CheckedClaim(*match.groups()) for match in pattern.finditer(text)]


def _require_identifier(identifier, kind):
    if not isinstance(identifier, str) or not IDENTIFIER.fullmatch(identifier):
        raise ValueError(
            f"{kind}, identifier: expected dotted lower-case words, such as "
            f"'memorization.wide.seen_rules'; got {identifier!r}"
        )


def _one_line(kind, name, identifier, text):
    if not isinstance(text, str):
        raise TypeError(f"{kind} {identifier}: {name} must be a string, got {type(text).__name__}")
    text = text.strip()
    if not text:
        raise ValueError(f"{kind} {identifier}: {name} is empty")
    if "\n" in text:
        raise ValueError(f"{kind} {identifier}: {name} must stand on one line, got {text!r}")
    return text
