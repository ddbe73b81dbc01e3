"""Effects of an ordinary platform: what each of them adds to the log-odds of every row.

An effect is a sum of *terms*. A term is of one order (one column, two, three, ...), and its value
depends on its *cell* alone: the combination of ids, or the interval of a number, that a row falls
into. Cells are what rows can teach.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from recsys_lib.data.simulator.ordinary_prior import IDS, LENS, SINGLE, Effect
from recsys_lib.data.simulator.world import stream

USES = ("single", "history", "second", "third", "everything")
"""What a learner may use, each with all before it: the order of a term is the first that holds
it."""

FOLD = {2: 1_000, 3: 100}
"""Most ids of a column in a table of two or of three: ids beyond repeat the first ones, so that
the table fits into memory."""

CUT = 2.0
"""Normal numbers are cut here, so that no product of some is far out."""

EXCEPTIONS = 0.15
NUM_BINS = 20


class Ids(NamedTuple):
    """Ids of all rows, ``(N,)`` from 1, and the largest that there is."""

    values: np.ndarray
    num_ids: int


class Term(NamedTuple):
    """A part of an effect.

    use: one of ``USES``. values: ``(N,)`` log-odds, of any scale. cells: ``(N,)`` int64. per_id:
    where the form of a table has few numbers for each id: how many, else 0. sides: the columns of
    that table, ``(N,)`` ids each.
    """

    use: str
    values: np.ndarray
    cells: np.ndarray
    per_id: int = 0
    sides: tuple[np.ndarray, ...] = ()


def terms_of(
    effect: Effect, ids: Mapping[str, Ids], numbers: Mapping[str, np.ndarray], seed: int
) -> Iterator[Term]:
    """The terms of an effect that is not of the history.

    Args:
        effect: of the plan.
        ids: by name of the column.
        numbers: name to ``(N,)``.
        seed: integer of 0 or more.

    Returns:
        Terms, the sum of which has variance 1 over the rows, but for what the rows' dependence
        adds.
    """
    draws = Draws(effect, seed)
    columns = [ids[name] for name in effect.columns if name in ids]
    if effect.family in SINGLE:
        if columns:
            yield Term("single", standard(draws.main(columns[0], "main")), cells_of(columns))
        else:
            number = numbers[effect.columns[0]]
            yield Term("single", standard(draws.of_number(number)), bins(number))
    elif effect.family == "slopes":
        slope = draws.centred(columns[0], "slope", 1)[:, 0] * numbers[effect.columns[1]]
        yield Term("second", standard(slope), cells_of(columns))
    elif effect.family == "switched":
        pair, switch = draws.together(columns[:2], "second"), draws.switch(columns[2])
        yield from switched(pair, switch, columns[2], "third")
    elif effect.family == "third order":
        yield draws.together(columns, "third")
    else:
        own = effect.family == "scenario's own"
        pair = draws.together(columns, "everything" if own else "second")
        yield pair._replace(values=np.sqrt(1 - effect.as_main) * pair.values)
        for name, column in zip(effect.columns, columns, strict=True):
            main = np.sqrt(effect.as_main / 2) * standard(draws.main(column, f"main/{name}"))
            yield Term("single", main, cells_of([column]))


def switched(term: Term, switch: np.ndarray, column: Ids, use: str) -> Iterator[Term]:
    """Two terms: what is left of one on average over a switch, and what the switch changes.

    Args:
        term: that the switch acts on.
        switch: ``(N,)`` that its values are multiplied by.
        column: that the switch is a function of.
        use: of what the switch changes.
    """
    scale = 1 / max((term.values * switch).std(), 1e-9)
    mean = switch.mean()
    yield term._replace(values=scale * mean * term.values)
    values = scale * (switch - mean) * term.values
    yield term._replace(use=use, values=values, cells=cells_of([column], term.cells))


class Draws:
    """What an effect is made of: random tables, each of a stream of its own.

    Args:
        effect: whose.
        seed: integer of 0 or more.
    """

    def __init__(self, effect, seed):
        self._effect, self._seed = effect, seed

    def random(self, part):
        return stream(self._seed, LENS, f"effect/{self._effect.name}/{part}")

    def normal(self, part, *shape):
        return np.clip(self.random(part).standard_normal(shape), -CUT, CUT)

    def main(self, column, part):
        """A number for each id, ``(N,)``."""
        return self.normal(part, column.num_ids + 1)[column.values]

    def centred(self, column, part, rank):
        """``rank`` numbers for each id, each of mean 0 over the rows: ``(N, rank)``."""
        factors = self.normal(part, column.num_ids + 1, rank)[column.values]
        return factors - factors.mean(axis=0)

    def of_number(self, number):
        """The effect's form as a function of a number, rising or falling."""
        where, sign = self.random("number").random(2)
        middle = 1.4 * where - 0.7
        form = {
            "line": lambda x: x,
            "saturating": lambda x: np.tanh(1.5 * (x - middle)),
            "step": lambda x: np.sign(x - middle),
            "bump": lambda x: np.exp(-2 * (x - middle) ** 2),
            "wave": lambda x: np.sin((2 + 2 * where) * x + 2 * np.pi * sign),
        }[self._effect.form]
        return form(number.astype(np.float64)) * (1 if sign < 0.5 else -1)

    def together(self, columns, use):
        """A term of two or three columns that holds nothing of fewer of them.

        That is: its mean is 0 whichever column is left to chance, by that column's own shares.
        """
        form, per_id = self._effect.form, 0
        if form == "low rank":
            per_id = int(self.random("rank").integers(1, 5))
            product = np.ones(per_id)
            for position, column in enumerate(columns):
                product = product * self.centred(column, f"factors/{position}", per_id)
            values = product.sum(axis=1)
        elif form == "kinds":
            kinds = [self._kinds(column, position) for position, column in enumerate(columns)]
            per_id = max(num_kinds for _, num_kinds in kinds) - 1
            values = self._table(kinds)
        else:
            named = zip(columns, self._effect.columns, strict=False)
            values = self._table([_folded(*one, FOLD[len(columns)]) for one in named])
        sides = tuple(column.values for column in columns) if per_id else ()
        return Term(use, standard(values), cells_of(columns), per_id, sides)

    def _kinds(self, column, position):
        random = self.random(f"kinds/{position}")
        num_kinds = int(random.integers(3, 7))
        return random.integers(0, num_kinds, column.num_ids + 1)[column.values], num_kinds

    def _table(self, places):
        """Values of a random table whose mean is 0 along each axis, at the rows' places."""
        shape = [size for _, size in places]
        if self._effect.form == "exceptions":
            random = self.random("table").random(shape)
            table = np.where(random < EXCEPTIONS, np.sign(random - EXCEPTIONS / 2), 0.0)
        else:
            table = self.normal("table", *shape)
        for axis, (place, size) in enumerate(places):
            share = np.bincount(place, minlength=size) / len(place)
            weight = share.reshape([-1 if one == axis else 1 for one in range(len(shape))])
            table = table - (table * weight).sum(axis=axis, keepdims=True)
        return table[tuple(place for place, _ in places)]

    def switch(self, column):
        """What the ids of a column do to the rest, ``(N,)``: 0 or 1, or -1 or 1.

        About half of the rows are on either side, as far as the ids' shares allow.
        """
        rows = np.bincount(column.values, minlength=column.num_ids + 1) / len(column.values)
        order = np.argsort(self.random("switch").random(column.num_ids + 1))
        middle = np.cumsum(rows[order]) - rows[order] / 2
        is_on = np.empty(column.num_ids + 1, bool)
        is_on[order] = middle < 0.5
        on = is_on[column.values].astype(np.float64)
        return on if self._effect.switch == "on or off" else 2 * on - 1


def _folded(column, name, most):
    # The shape of a table of user or item ids does not follow their number.
    size = most if name in IDS else min(column.num_ids + 1, most)
    return column.values % size, size


def standard(values: np.ndarray) -> np.ndarray:
    """Values over their standard deviation, less their mean; zeros where they are all alike."""
    values = values - values.mean()
    deviation = values.std()
    return values / deviation if deviation > 1e-9 else np.zeros_like(values)


def cells_of(columns: list[Ids], cells: np.ndarray | None = None) -> np.ndarray:
    """One whole number for each combination of ids, beside cells that rows are in already."""
    found = np.zeros(1, np.int64) if cells is None else cells
    for column in columns:
        found = found * (column.num_ids + 1) + column.values
    return found


def bins(number: np.ndarray) -> np.ndarray:
    """Intervals of a number, each with about as many rows, ``(N,)``."""
    ends = np.quantile(number, np.linspace(0, 1, NUM_BINS + 1)[1:-1])
    return np.searchsorted(np.unique(ends), number, side="right")
