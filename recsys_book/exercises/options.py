"""Permute the options of a recall exercise, and all text that refers to their letters."""

import ast
import re
from dataclasses import replace

from recsys_book.exercises.answers import ITEM, options_of
from recsys_book.exercises.cases import normalise_choice
from recsys_book.exercises.draws import Draw
from recsys_book.exercises.parsing import Exercise, ExerciseError

_LETTER = re.compile(r"\*\*([a-z])\*\*")
# "None of them" reads oddly anywhere but at the end.
_STAYS = re.compile(r"(?:none|all|any|both|neither)\b(?: of)? (?:them|the|these|above)", re.I)


def permuted(one: Exercise, draw: Draw) -> Exercise:
    """A recall exercise with its options in a random order, with other right letters if possible.

    Letters are changed in the solution, the tests, the mistakes, and where prose has a bold letter.

    Args:
        one: the exercise.
        draw: decides the order.

    Returns:
        The exercise in the new order.

    Raises:
        ExerciseError: its options or its letters cannot be read.
    """
    options = options_of(one.statement)
    right = _constants(one.solution, one.target)
    if len(right) != 1:
        raise ExerciseError(f"expected one right answer {one.target} = '...' in the solution")
    order = _order(options, normalise_choice(right[0].value), draw)
    new_letter = dict(zip(order, options, strict=True))

    def relabelled(text):
        return _LETTER.sub(lambda match: f"**{new_letter.get(match[1], match[1])}**", text)

    def follow(code):
        nodes = _constants(code, one.target)
        return _with_letters(code, nodes, options, new_letter)

    lines = iter(
        [
            f"- **{letter}** {relabelled(options[new])}"
            for letter, new in zip(options, order, strict=True)
        ]
    )
    return replace(
        one,
        statement=ITEM.sub(lambda match: next(lines), one.statement),
        solution=follow(one.solution),
        public=follow(one.public),
        hidden=follow(one.hidden),
        hints=tuple(map(relabelled, one.hints)),
        mistakes=tuple(
            replace(mistake, text=relabelled(mistake.text), code=follow(mistake.code))
            for mistake in one.mistakes
        ),
        explanation=relabelled(one.explanation),
    )


def _order(options, right, draw):
    """The old letters in their new order.

    The right letters change, so that the public solution is wrong, unless options that must keep
    their position leave no such order.
    """
    fixed = {letter for letter, text in options.items() if _STAYS.match(text)}
    movable = [letter for letter in options if letter not in fixed]
    can_change = 0 < len(set(right) & set(movable)) < len(movable)
    while True:
        drawn = iter(draw.shuffled(movable))
        order = [letter if letter in fixed else next(drawn) for letter in options]
        moved = "".join(new for new, old in zip(options, order, strict=True) if old in right)
        if moved != right or not can_change:
            return order


def _constants(code, target):
    """The string constants that are answers: assigned to the target, or the right one of a test."""
    found = []
    for node in ast.walk(ast.parse(code)):
        value = None
        if isinstance(node, ast.Assign):
            if [ast.unparse(name) for name in node.targets] == [target]:
                value = node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "check_choice":
            value = next((word.value for word in node.keywords if word.arg == "right"), None)
            value = node.args[2] if len(node.args) > 2 else value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            found.append(value)
        elif value is not None and not (
            isinstance(value, ast.Constant) and value.value in (None, ...)
        ):
            raise ExerciseError(f"expected letters as a string, got {ast.unparse(value)}")
    return found


def _with_letters(code, nodes, options, new_letter):
    lines = code.splitlines()
    # From the end, so that the columns of earlier constants stay valid.
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        letters = normalise_choice(node.value)
        if not set(letters) <= set(options):
            raise ExerciseError(f"expected letters among {''.join(options)}, got {node.value!r}")
        new = "".join(sorted(new_letter[letter] for letter in letters))
        line = lines[node.lineno - 1].encode()
        changed = line[: node.col_offset] + f'"{new}"'.encode() + line[node.end_col_offset :]
        lines[node.lineno - 1] = changed.decode()
    return "\n".join(lines)
