"""Permute the options of a recall exercise, and all text that refers to their letters."""

import re
from dataclasses import replace

from recsys_book.exercises.answers import ITEM, options_of
from recsys_book.exercises.draws import Draw
from recsys_book.exercises.parsing import Exercise

_LETTER = re.compile(r"\*\*([a-z])\*\*")
_ANSWER = re.compile(r'(?<=answer = ")[a-z]+|(?<=right=")[a-z]+')
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
    """
    options = options_of(one.statement)
    order = _order(options, _ANSWER.findall(one.solution)[0], draw)
    new_letter = dict(zip(order, options, strict=True))

    def relabelled(text):
        return _LETTER.sub(lambda match: f"**{new_letter.get(match[1], match[1])}**", text)

    def follow(code):
        return _ANSWER.sub(lambda match: "".join(sorted(map(new_letter.get, match[0]))), code)

    lines = (
        f"- **{letter}** {relabelled(options[new])}"
        for letter, new in zip(options, order, strict=True)
    )
    return replace(
        one,
        statement=ITEM.sub(lambda match: next(lines), one.statement),
        solution=follow(one.solution),
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
