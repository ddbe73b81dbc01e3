"""Read the answers that an exercises file records: a choice's letters, and what mistakes change."""

import re

ITEM = re.compile(r"^- \*\*([a-z]+)\*\* (.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_RIGHT = re.compile(r"\*\*([a-z]+)\*\*\s+(.+)", re.DOTALL)
_PIECE = re.compile(r"^`(.+)` ->\s+`(.*)`$", re.MULTILINE)
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
MARKERS = (BEGIN_SOLUTION, END_SOLUTION)


def options_of(statement: str) -> dict[str, str]:
    """The options that a choice question's statement lists, as ``- **a** The first.``.

    Args:
        statement: the exercise's.

    Returns:
        Dict of letter to text, in the order of the list.

    Raises:
        ValueError: fewer than two options, or their letters are not a, b, c and so on.
    """
    found = ITEM.findall(statement)
    letters = "".join(letter for letter, _ in found)
    if len(found) < 2 or letters != "abcdefghijklmnopqrstuvwxyz"[: len(found)]:
        raise ValueError(
            f"expected a list of options - **a** ..., - **b** ... in the statement, got {letters!r}"
        )
    return dict(found)


def read_choice(statement: str, explanation: str, reasons: str) -> dict:
    """The parts of a choice question that follow from its letters.

    Args:
        statement: with the list of options.
        explanation: begins with the right letters, as ``**bd** Because ...``.
        reasons: a list of wrong letters and why they are wrong, as ``- **a** Because ...``.

    Returns:
        Dict of solution, public and hidden test, explanation, and mistakes as who catches
        them, text and code.

    Raises:
        ValueError: a letter is missing or no option's.
    """
    options = "".join(options_of(statement))
    right = _RIGHT.fullmatch(explanation)
    if right is None:
        raise ValueError(f"expected an explanation **letters** Because ..., got {explanation!r}")
    wrong = ITEM.findall(reasons)
    if ITEM.sub("", reasons).strip():
        raise ValueError(f"expected a list of mistakes - **a** Because ..., got {reasons!r}")
    for letters in (right[1], *(letters for letters, _ in wrong)):
        if letters != "".join(letter for letter in options if letter in letters):
            raise ValueError(f"expected letters among {options} in order, got {letters!r}")
    check = f'check_choice(answer, options="{options}"'
    return {
        "solution": f'answer = ...\n{BEGIN_SOLUTION}\nanswer = "{right[1]}"\n{END_SOLUTION}',
        "public": f"{check})",
        "hidden": f'{check}, right="{right[1]}")',
        "explanation": right[2],
        "mistakes": [
            ("public", " ".join(text.split()), f'answer = "{letters}"') for letters, text in wrong
        ],
    }


def changed(solution: str, prose: str) -> tuple[str, str]:
    """A mistake's text, and the solution with what its lines ```old` -> `new``` change.

    Args:
        solution: code, with its markers.
        prose: the mistake's text, and behind it a line for each piece of code that differs.

    Returns:
        The text in one line, and the code; empty if no piece is said to differ.

    Raises:
        ValueError: an old piece does not stand in the solution exactly once.
    """
    text = " ".join(_PIECE.sub("", prose).split())
    pieces = _PIECE.findall(prose)
    code = "\n".join(line for line in solution.splitlines() if line.strip() not in MARKERS)
    for old, new in pieces:
        if code.count(old) != 1:
            raise ValueError(
                f"mistake {text!r}: expected {old!r} once in the solution, found {code.count(old)}"
            )
        # A line of which nothing is left goes, with the comment behind it.
        code = re.sub(r"\n *\0 *(#.*)?$|\0", "", code.replace(old, new or "\0"), flags=re.MULTILINE)
    return text, code if pieces else ""
