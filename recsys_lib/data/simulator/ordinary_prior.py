"""What an ordinary platform may be: the prior, from which a seed draws one plan.

A plan says which columns a platform has, what acts on a click, in which form and how much. It
depends on the seed alone, and on no number of rows. The ranges, and why they are so:

- Rows of a user and of an item 2 to 200, log-uniform: what a reader counts in a log. Exponents of
  Zipf's law .4 to .9 and .6 to 1.1, since items are more unequal than users.
- 2 to 5 attributes of users, 3 to 6 of items, 2 to 4 contexts, 1 to 4 columns of noise: with the
  two ids 10 to 21 columns, as public logs have. 3 to 500 ids, log-uniform, exponents .5 to 1.3:
  from a device to a city. A scenario has 3 to 12 ids, since surfaces are few; a category 10 to
  100, few enough to be interests of users.
- Half of the users' attributes follow their interests, 40 % of the items' are nested in the
  category (2 to 8 ids in each): columns of a log depend on each other.
- Five numbers and one of noise, each counts with .6, monotone in three of five forms: what bins
  can do and lines cannot.
- Single columns of ids act with .8, others with .45: most ids say something.
- 2 to 5 pairs of attributes, 1 to 3 of ids; slopes of a number by an id, the scenario's own,
  pairs switched by a third column (60 % on or off, 40 % by sign) and third order, 0 to 2 each:
  every platform has pairs, not every one has the rest. The form of a pair is drawn, so that none
  belongs to a model: low rank 1 to 4, 3 to 6 hidden kinds a side, a full table, exceptions in
  15 % of the cells. Up to half of a pair's variance is left as main effects of its columns, since
  real pairs are not centred; of a pair that is switched, or of third order, nothing is.
- 1 to 4 of seven effects of the history: some that a count of matches holds, some that none holds.
  20 to 50 clicks of 2 to 7 interests; a click stays with the interest of the one before with
  probability 0 to .8, as in sittings. Candidates come by popularity, from interests, or were seen
  before, Dirichlet (3, 3, 1): what retrieval brings. 0 to 12 % of the rows behind training are
  of new items: catalogues grow.
- An effect's share of the variance is U^1.5 times its family's e^N(0, s), s .4 to .9, at most .12
  of the sum: many small effects and few large ones. Single columns' shares are then multiplied by
  e^SINGLE_WEIGHT, since on public logs logistic regression has 88 to 95 % of the best model's gap.
- The oracle's AUC .75 to .85 and a base rate of .1 to .4: best models on public logs, in logs
  whose rows without a click were thinned out.
"""

import dataclasses

import numpy as np

from recsys_lib.data.simulator.world import stream

LENS = "ordinary"
FAMILIES = (
    "attributes and contexts",
    "ids",
    "numbers, monotone",
    "numbers, not monotone",
    "pairs of attributes",
    "pairs of ids",
    "slopes",
    "switched",
    "third order",
    "history",
    "scenario's own",
)
SIDES = ("user", "item", "context")
IDS = ("user_id", "item_id")
SINGLE = FAMILIES[:4]
"""Families of effects of one column."""

SINGLE_WEIGHT = (0.4, 1.4)
"""Ends of the logarithm of the factor on the shares of single columns."""

OF_HISTORY_COLUMNS = ("item_id", "category", "item_2")
"""What a history shows of an item."""

FORMS = ("low rank", "kinds", "full", "exceptions")
MONOTONE, NOT_MONOTONE = ("line", "saturating", "step"), ("bump", "wave")
OF_HISTORY = ("share", "recent", "last", "repeat", "latent", "enough", "switched")


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of ids or numbers.

    Args:
        name: of the column.
        side: whose it is, ``"user"``, ``"item"``, ``"context"`` (of a request) or ``"row"``.
        num_ids: ids, from 1 on; 0: a number.
        exponent: the share of id k falls as ``k ** -exponent``.
        follows: ``"interests"``, ``"category"`` or nothing.
        is_noise: nothing depends on it.
    """

    name: str
    side: str
    num_ids: int = 0
    exponent: float = 0.0
    follows: str = ""
    is_noise: bool = False


@dataclasses.dataclass(frozen=True)
class Effect:
    """Something that acts on a click.

    Args:
        family: one of ``FAMILIES``.
        columns: names of the columns that act together; a switch is the last.
        form: how they act.
        share: of the log-odds' variance.
        as_main: part of that which is left as main effects of the columns.
        switch: ``"on or off"``, ``"sign"``, or nothing: what the last column does to the others.
    """

    family: str
    columns: tuple[str, ...]
    form: str
    share: float = 0.0
    as_main: float = 0.0
    switch: str = ""

    @property
    def name(self) -> str:
        """Text that no other effect of the platform has."""
        return f"{self.family}: {' x '.join(self.columns)}, {self.form}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """One draw from the prior.

    Args:
        rows_per_user, rows_per_item: training rows over the number of users, and of items.
        user_exponent, item_exponent: of Zipf's law.
        columns: all columns but those of the history.
        num_interests: categories of a user.
        length: clicks of a history.
        stay: probability that a click is of the interest of the one before.
        between: clicks of a user between two requests.
        mix: shares of the candidates by popularity, from interests, and seen before.
        new_share: share of new items in the rows behind training.
        auc, base_rate: of the oracle, and of clicks.
        effects: what acts.
    """

    rows_per_user: float
    rows_per_item: float
    user_exponent: float
    item_exponent: float
    columns: tuple[Column, ...]
    num_interests: int
    length: int
    stay: float
    between: int
    mix: tuple[float, ...]
    new_share: float
    auc: float
    base_rate: float
    effects: tuple[Effect, ...]

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def draw_plan(seed: int) -> Plan:
    """Draw the plan of a platform.

    Args:
        seed: integer of 0 or more.

    Returns:
        A ``Plan``, which depends on nothing else.

    Example:
        >>> plan = draw_plan(200)
        >>> 2 <= plan.rows_per_user <= 200
        True
    """
    sizes, shown = stream(seed, LENS, "prior/sizes"), stream(seed, LENS, "prior/shown")
    columns = _draw_columns(stream(seed, LENS, "prior/columns"))
    return Plan(
        rows_per_user=_log_uniform(sizes, 2, 200),
        rows_per_item=_log_uniform(sizes, 2, 200),
        user_exponent=sizes.uniform(0.4, 0.9),
        item_exponent=sizes.uniform(0.6, 1.1),
        columns=columns,
        num_interests=int(shown.integers(2, 8)),
        length=int(shown.integers(20, 51)),
        stay=shown.uniform(0, 0.8),
        between=int(shown.integers(1, 11)),
        mix=tuple(shown.dirichlet((3, 3, 1))),
        new_share=shown.uniform(0, 0.12),
        auc=sizes.uniform(0.75, 0.85),
        base_rate=sizes.uniform(0.1, 0.4),
        effects=_draw_effects(stream(seed, LENS, "prior/effects"), columns),
    )


def _log_uniform(random, low, high):
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _draw_columns(random):
    count = {
        "user": random.integers(2, 6),
        "item": random.integers(3, 7),
        "context": random.integers(2, 5),
    }
    columns = []

    def add(side, number, is_noise):
        num_ids, exponent = round(_log_uniform(random, 3, 500)), random.uniform(0.5, 1.3)
        name, follows = f"{side}_{number}", ""
        if name == "item_1":
            name, num_ids = "category", round(_log_uniform(random, 10, 100))
        elif name == "context_1":
            name, num_ids = "scenario", int(random.integers(3, 13))
        elif side == "user" and not is_noise and random.random() < 0.5:
            follows = "interests"
        elif side == "item" and not is_noise and random.random() < 0.4:
            # The category is the first of the item's columns.
            num_categories = next(one.num_ids for one in columns if one.name == "category")
            follows, num_ids = "category", num_categories * int(random.integers(2, 9))
        columns.append(Column(name, side, num_ids, exponent, follows, is_noise))

    for side in SIDES:
        for number in range(1, count[side] + 1):
            add(side, number, is_noise=False)
    for side in random.choice(SIDES, random.integers(1, 5)):
        count[side] += 1
        add(side, count[side], is_noise=True)
    of_numbers = ("user", "item", "item", "context", "row", "row")
    for number, side in enumerate(of_numbers, 1):
        columns.append(Column(f"number_{number}", side, is_noise=number == len(of_numbers)))
    return tuple(columns)


def _draw_effects(random, columns):
    useful = [column for column in columns if not column.is_noise]
    of_side = {
        side: [one.name for one in useful if one.num_ids and one.side == side] for side in SIDES
    }
    side_of = {name: side for side, names in of_side.items() for name in names}
    side_of |= {"user_id": "user", "item_id": "item"}
    # The scenario's pairs are a family of their own.
    crossed = [name for name in side_of if name != "scenario"]
    effects = _draw_single(random, side_of, [one.name for one in useful if not one.num_ids])

    def different_sides(firsts, seconds):
        """All pairs of columns of which none is a function of the other, in random order."""
        pairs = [(a, b) for a in firsts for b in seconds if side_of[a] < side_of[b]]
        return [pairs[position] for position in random.permutation(len(pairs))]

    def add(family, columns, as_main=0.0, switch=""):
        effects.append(Effect(family, columns, str(random.choice(FORMS)), 0.0, as_main, switch))

    attributes = [name for name in crossed if name not in IDS]
    pairs = different_sides(attributes, attributes)
    for pair in pairs[: random.integers(2, 6)]:
        add("pairs of attributes", pair, random.uniform(0, 0.5))
    of_ids = [pair for pair in different_sides(crossed, crossed) if set(pair) & set(IDS)]
    for pair in of_ids[: random.integers(1, 4)]:
        add("pairs of ids", pair, random.uniform(0, 0.5))
    slopes = [
        (c, n.name) for c in crossed for n in useful if not n.num_ids and n.side != side_of[c]
    ]
    for position in random.permutation(len(slopes))[: random.integers(0, 3)]:
        effects.append(Effect("slopes", slopes[position], "slope"))
    # A third column of the user's or the request's is no function of an item's.
    thirds = [*of_side["user"], *of_side["context"]]
    for family in ("switched", "third order"):
        for pair in different_sides(attributes, attributes)[: random.integers(0, 3)]:
            third = str(random.choice([name for name in thirds if name not in pair]))
            switch = _draw_switch(random) if family == "switched" else ""
            add(family, (*pair, third), switch=switch)
    own = random.permutation([*of_side["user"], *of_side["item"], *IDS])[: random.integers(0, 3)]
    for name in own:
        add("scenario's own", ("scenario", str(name)), random.uniform(0, 0.5))
    return _with_shares(random, [*effects, *_draw_of_history(random)])


def _draw_single(random, side_of, numbers):
    effects = []
    for name in side_of:
        if random.random() < (0.8 if name in IDS else 0.45):
            family = "ids" if name in IDS else "attributes and contexts"
            effects.append(Effect(family, (name,), "full"))
    for name in numbers:
        form = str(random.choice(MONOTONE + NOT_MONOTONE))
        if random.random() < 0.6:
            kind = "monotone" if form in MONOTONE else "not monotone"
            effects.append(Effect(f"numbers, {kind}", (name,), form))
    return effects


def _draw_of_history(random):
    effects = []
    for form in random.permutation(OF_HISTORY)[: random.integers(1, 5)]:
        key = str(random.choice(["category", "item_2", "item_id"], p=(0.5, 0.3, 0.2)))
        key = {"repeat": "item_id", "latent": "category"}.get(form, key)
        is_switched = form == "switched"
        columns = (key, "scenario") if is_switched else (key,)
        switch = _draw_switch(random) if is_switched else ""
        effects.append(Effect("history", columns, str(form), switch=switch))
    return effects


def _draw_switch(random):
    return "on or off" if random.random() < 0.6 else "sign"


def _with_shares(random, effects):
    spread = random.uniform(0.4, 0.9)
    of_family = dict(zip(FAMILIES, np.exp(spread * random.standard_normal(11)), strict=True))
    share = np.array([random.random() ** 1.5 * of_family[one.family] for one in effects])
    share = np.minimum(share / share.sum(), 0.12)
    is_single = np.array([one.family in SINGLE for one in effects])
    share[is_single] *= np.exp(random.uniform(*SINGLE_WEIGHT))
    share /= share.sum()
    return tuple(
        dataclasses.replace(one, share=float(part))
        for one, part in zip(effects, share, strict=True)
    )
