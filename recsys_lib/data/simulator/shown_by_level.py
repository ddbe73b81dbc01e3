"""The shown-by-level lens: an old ranker that shows those who click much more of one kind of item.

A user has a level: how readily they click, whatever they are shown. An item is of one of two kinds
and has further numbers. A share of the rows was chosen by an old ranker, which shows the kind to
users of a level above zero and to nobody else; the others are of either kind with even chances:

    level = level_sd z,    z ~ N(0, 1)
    kind = [z > 0] with probability share_confounded, else 0 or 1 with even chances
    logit = bias + level + kind_effect kind + strength direction.numbers

Within a user's rows the kind does a bit worse (``kind_effect`` below 0). Between users it goes
along with the level, which no column holds, so that over all rows it does better. The mean loss
over rows asks for the second; the order of a page is the first. The users of the three splits are
different ones, so that a level that is learned for a user serves no other.

Chapter 07: what is the score for?

Source: Chamberlain 1980, "Analysis of Covariance with Qualitative Data", section 2, for levels that
go along with what is observed, and for the likelihood within a group, which leaves them out.
"""

import numpy as np

from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.requests import SIZES, TASK
from recsys_lib.data.simulator.world import (
    Rows,
    SimulatedDataset,
    make_dataset,
    project,
    requests_of,
    sigmoid,
    stream,
)
from recsys_lib.features.columns import CategoricalColumn, NumericColumn

LENS = "shown_by_level"
DIMENSION = 4
"""Numbers of an item beside its kind."""


def shown_by_level(
    num_rows: int = 40_000,
    share_confounded: float = 0.8,
    level_sd: float = 1.5,
    kind_effect: float = -0.8,
    strength: float = 0.8,
    bias: float = -1.0,
    rows_per_user: int = 20,
    per_page: int = 10,
    past_rows: int = 20,
    num_valid_rows: int = 20_000,
    num_test_rows: int = 40_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks on items that an old ranker chose by the user's level.

    Args:
        num_rows: rows of the training split.
        share_confounded: share of the rows whose kind follows the level; 0: none.
        level_sd: standard deviation of the users' levels, in log-odds.
        kind_effect: log-odds that the kind adds within a user's rows.
        strength: standard deviation of what the other numbers of an item add to the log-odds.
        bias: log-odds at the mean level of an item without anything.
        rows_per_user: rows of each user, a multiple of ``per_page``; sizes of splits are
            multiples of it.
        per_page: rows that a user is shown at a time.
        past_rows: earlier rows of each user, drawn likewise, behind ``past_log_odds``.
        num_valid_rows, num_test_rows: rows of the other splits, of other users.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the numeric columns ``kind`` and ``numbers`` of dimension 4
        (group ``item``) and ``past_log_odds``, the smoothed log-odds of the user's clicks on
        earlier rows (group ``user``), and with the column ``user`` (group ``user``), a number of
        its own for each user from 1 on; the task ``click``; the groups ``user`` and ``page``. Its
        ``truth`` holds ``level`` ``(users + 1,)`` by user, 0 at 0, and ``direction`` ``(4,)``.

        Common random numbers: no knob but ``past_rows`` and the numbers of rows draws another
        user or item; ``share_confounded`` changes kinds, and what follows from them.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.

    Example:
        >>> data = shown_by_level(num_rows=4000, num_valid_rows=20, num_test_rows=20)
        >>> level = data.truth["level"][data.train.features["user"]]
        >>> shown = data.train.features["kind"] == 1
        >>> bool(level[shown].mean() > level[~shown].mean())
        True
    """
    knobs = check_knobs(LENS, locals())
    direction = stream(seed, LENS, "direction").standard_normal(DIMENSION)
    direction /= np.sqrt((direction**2).sum())
    rows, levels = {}, [np.zeros(1)]
    first_user, first_page = 1, 0
    for split_name, size in SIZES.items():
        users = knobs[size] // knobs["rows_per_user"]
        z = stream(seed, LENS, f"draws/{split_name}/level").standard_normal((users, 1))
        past = _draw(f"{split_name}/past", z, knobs["past_rows"], direction, knobs)
        clicks = stream(seed, LENS, f"labels/{split_name}/past").random(past["p"].shape) < past["p"]
        of_past = clicks.sum(axis=1)
        log_odds = np.log((of_past + 0.5) / (knobs["past_rows"] - of_past + 0.5))
        shown = _draw(split_name, z, knobs["rows_per_user"], direction, knobs)
        user = requests_of(knobs[size], knobs["rows_per_user"], first_user)
        page = requests_of(knobs[size], knobs["per_page"], first_page)
        rows[split_name] = Rows(
            features={
                "user": user.astype(np.int32),
                "past_log_odds": log_odds[user - first_user].astype(np.float32),
                "kind": shown["kind"].ravel().astype(np.float32),
                "numbers": shown["numbers"].reshape(-1, DIMENSION),
            },
            probability={TASK: shown["p"].ravel()},
            group=user,
            groups={"user": user, "page": page},
        )
        levels.append(knobs["level_sd"] * z[:, 0])
        first_user, first_page = int(user[-1]) + 1, int(page[-1]) + 1
    columns = (
        CategoricalColumn("user", first_user, group="user"),
        NumericColumn("past_log_odds", group="user"),
        NumericColumn("kind", group="item"),
        NumericColumn("numbers", DIMENSION, group="item"),
    )
    truth = {"level": np.concatenate(levels), "direction": direction}
    return make_dataset(LENS, columns, rows, seed, truth, knobs)


def _draw(part, z, count, direction, knobs):
    """Rows of users with these standardised levels: kind and probability, and their numbers."""
    shape = (len(z), count)

    def random(name):
        return stream(knobs["seed"], LENS, f"draws/{part}/{name}")

    by_level = random("by_level").random(shape) < knobs["share_confounded"]
    kind = np.where(by_level, z > 0, random("kind").random(shape) < 0.5)
    numbers = random("numbers").standard_normal((*shape, DIMENSION)).astype(np.float32)
    score = project(numbers.reshape(-1, DIMENSION), direction).reshape(shape)
    logit = knobs["bias"] + knobs["level_sd"] * z + knobs["kind_effect"] * kind
    p = sigmoid(logit + knobs["strength"] * score)
    return {"kind": kind, "numbers": numbers, "p": p}
