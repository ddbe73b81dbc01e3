"""Knobs of the lenses: what each may be, declared once and checked from the declaration."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

from recsys_lib.checks import check_bool, check_integer, check_number

KINDS = ("integer", "number", "bool", "numbers", "pairs")
_RELATIONS = {
    "less than": lambda value, other: value < other,
    "at most": lambda value, other: value <= other,
    "at least": lambda value, other: value >= other,
    "a multiple of": lambda value, other: value % other == 0,
}


@dataclasses.dataclass(frozen=True)
class Knob:
    """One argument of a lens.

    Args:
        name: of the argument.
        kind: one of ``KINDS``: ``numbers`` is a sequence of numbers, ``pairs`` a sequence of pairs
            of positions ``i < j``, a position in one pair at most.
        default: its value where none is given.
        meaning: in a few words, with its unit.
        minimum, maximum: ends of the range of the number, or of each number of a sequence; both
            ends are allowed.
        exclude: those of the ends that are themselves not allowed.
        optional: ``None`` is allowed.
        relation: what the value has to be beside another knob of the lens, for example
            ``("less than", "num_ids")``.
        each: of ``numbers``: what each of them is for, in the singular; of ``pairs``: of what.
        count: of ``numbers``: how many, an integer or the name of the knob whose length it is;
            one number then stands for all. ``None`` is any number of them from one on. Of
            ``pairs``: name of the knob that says how many positions there are.
    """

    name: str
    kind: str
    default: Any
    meaning: str
    minimum: float | None = None
    maximum: float | None = None
    exclude: tuple[float, ...] = ()
    optional: bool = False
    relation: tuple[str, str] | None = None
    each: str = ""
    count: int | str | None = None

    def check(self, value: Any, others: Mapping[str, Any]) -> Any:
        """``value`` as the lens uses it.

        Args:
            value: the argument.
            others: checked knobs of the lens that this one is held against.

        Raises:
            ValueError: it is none of the values declared; the knob is named.
        """
        if self.optional and value is None:
            return None
        checked = getattr(self, f"_{self.kind}")(value, others)
        if self.relation is not None:
            relation, other = self.relation
            if not _RELATIONS[relation](checked, others[other]):
                raise ValueError(
                    f"{self.name}: expected {relation} {other}, which is {others[other]}, "
                    f"got {value}"
                )
        return checked

    def needs(self) -> set[str]:
        """Names of the knobs that have to be checked before this one."""
        needed = {self.relation[1]} if self.relation is not None else set()
        return needed | {self.count} if isinstance(self.count, str) else needed

    def range(self) -> str:
        """Its allowed values in words, for tables."""
        if self.kind == "bool":
            return "True or False"
        if self.kind == "pairs":
            return f"pairs of {self.each}, below `{self.count}`"
        kind = f"a number for each {self.each}" if self.each else self.kind
        words = [kind, *self._ends()]
        words += [f"{self.relation[0]} `{self.relation[1]}`"] if self.relation is not None else []
        return ", ".join([*words, *(["or None"] if self.optional else [])])

    def _ends(self):
        if self.minimum is not None:
            yield f"{'above' if self.minimum in self.exclude else 'from'} {self.minimum:g}"
        if self.maximum is not None:
            yield f"{'below' if self.maximum in self.exclude else 'to'} {self.maximum:g}"

    def _integer(self, value, others):
        return check_integer(self.name, value, self.minimum, self.maximum)

    def _number(self, value, others):
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        return check_number(self.name, value, low, high, self.exclude)

    def _bool(self, value, others):
        return check_bool(self.name, value)

    def _numbers(self, value, others):
        count = len(others[self.count]) if isinstance(self.count, str) else self.count
        try:
            several = None if isinstance(value, str) else tuple(value)
        except TypeError:  # one number, or nothing of the kind
            several = None
        if several is None and count is not None:
            several = (value,) * count
        if not several:
            wanted = f"a number for each {self.each}" if self.each else "some numbers"
            raise ValueError(f"{self.name}: expected {wanted}, got {value!r}")
        if count is not None and len(several) != count:
            raise ValueError(
                f"{self.name}: expected a number for each of {count} {self.each}s, "
                f"got {len(several)}"
            )
        return tuple(self._number(number, others) for number in several)

    def _pairs(self, value, others):
        try:
            pairs = None if isinstance(value, str) else [tuple(pair) for pair in value]
        except TypeError:
            pairs = None
        if pairs is None:
            raise ValueError(f"{self.name}: expected pairs of {self.each}, got {value!r}")
        if not pairs:
            raise ValueError(f"{self.name}: expected at least one pair, got none")
        taken: set[int] = set()
        pairs = [tuple(self._integer(position, others) for position in pair) for pair in pairs]
        for pair in pairs:
            if len(pair) != 2 or not pair[0] < pair[1] < others[self.count]:
                raise ValueError(
                    f"{self.name}: expected two positions i < j below {self.count}, which is "
                    f"{others[self.count]}, got {pair}"
                )
            if taken & set(pair):
                raise ValueError(
                    f"{self.name}: expected each position in one pair at most, got {pair} too"
                )
            taken |= set(pair)
        return tuple(pairs)


def integer(name: str, default: Any, meaning: str, minimum: int = 1, **more: Any) -> Knob:
    """A knob that is an integer; ``more`` as for ``Knob``."""
    return Knob(name, "integer", default, meaning, minimum, **more)


def number(
    name: str,
    default: float,
    meaning: str,
    minimum: float | None = None,
    maximum: float | None = None,
    **more: Any,
) -> Knob:
    """A knob that is a number; ``more`` as for ``Knob``."""
    return Knob(name, "number", default, meaning, minimum, maximum, **more)


def numbers(
    name: str,
    default: tuple[float, ...],
    meaning: str,
    each: str = "",
    count: int | str | None = None,
    **more: Any,
) -> Knob:
    """A knob that is a sequence of numbers; ``more`` as for ``Knob``."""
    return Knob(name, "numbers", default, meaning, each=each, count=count, **more)


def check_all(declared: Iterable[Knob], values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a lens as it uses them.

    Args:
        declared: the knobs of the lens.
        values: name to argument.

    Returns:
        Dict of name to checked value, in the order of ``values``.

    Raises:
        ValueError: an argument outside what is declared; the first one is named.
    """
    knobs = {knob.name: knob for knob in declared}
    checked: dict[str, Any] = {}

    def check(name):
        if name not in checked:
            for other in knobs[name].needs():
                check(other)
            checked[name] = knobs[name].check(values[name], checked)

    for name in values:
        check(name)
    return {name: checked[name] for name in values}


def value_text(value: Any) -> str:
    """A knob's value as tables show it.

    Example:
        >>> value_text((1_000, 0.5)), value_text(None)
        ('(1,000, 0.5)', 'None')
    """
    if isinstance(value, tuple):
        return f"({', '.join(map(value_text, value))})"
    if value is None or isinstance(value, bool):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
