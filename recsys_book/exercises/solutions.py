"""``solution("...")``: the reference solution, for readers who learn alone and have tried first."""

import re

from recsys_book.exercises import student
from recsys_book.exercises.context import in_assignment, show
from recsys_book.exercises.parsing import BEGIN_SOLUTION, END_SOLUTION, Exercise

_OPEN_STARTER = re.compile(r"^\w+ = \.\.\.\n", flags=re.MULTILINE)


def solution(identifier: str | None = None) -> None:
    """Show the reference solution of an exercise, after a right answer or after its last hint.

    No solution is shown in an assignment: while the environment variable ``RECSYS_SOLUTIONS`` is 0,
    as in grading, and in a notebook for nbgrader.

    Args:
        identifier: such as ``"memorization.cross_index"``.

    Example:
        >>> solution()
        solution: expected the name of an exercise, such as "second_order.fm_recall", got None
    """
    found = student.find("solution", identifier)
    if found is None:
        return
    one = found[1]
    if in_assignment():
        print(f"{identifier}: an assignment shows no solutions")
    elif not (student.is_solved(identifier) or student.has_all_hints(identifier)):
        print(
            f"{identifier}: its solution is shown after a right answer, or after the last hint: "
            f'hint("{identifier}")'
        )
    else:
        show(describe_solution(one))


def describe_solution(one: Exercise) -> str:
    """Return the solution of an `Exercise` as Markdown, without the markers of its source."""
    marks = (BEGIN_SOLUTION, END_SOLUTION)
    code = "\n".join(line for line in one.solution.splitlines() if line.strip() not in marks)
    # The solution's line replaces `answer = ...` of the starter.
    code = _OPEN_STARTER.sub("", code).strip("\n")
    text = f"**{one.title}: a solution**\n\n```python\n{code}\n```"
    return f"{text}\n\n{one.explanation}" if one.explanation else text
