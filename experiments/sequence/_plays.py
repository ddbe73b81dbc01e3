"""A music app: how often a song was played is what counts, not whether it was.

Two songs were played n times each, in any order, n from 1 to 6. Half of the candidates are of the
first song's topic, the others of a topic that was not played:

    logit = -2 + 0.7 n [the candidate is of the first song's topic]

The matching song is half of every history that ends where the plays end. In a history that the
second song fills up to a fixed length its share is n / length, and tells n.
"""

import numpy as np

from recsys_lib.data import Dataset, Split
from recsys_lib.features import CategoricalColumn, SequenceColumn

TOPICS, SONGS_OF_TOPIC, MOST_PLAYS = 20, 4, 6
LENGTH = 2 * MOST_PLAYS
BIAS, STRENGTH = -2.0, 0.7
COLUMNS = (
    CategoricalColumn("item_id", TOPICS * SONGS_OF_TOPIC + 1, group="item"),
    SequenceColumn("history", TOPICS * SONGS_OF_TOPIC + 1, LENGTH, table="item_id"),
)


def plays(
    num_rows: int = 20_000,
    filled: float = 0.0,
    num_valid_rows: int = 4_000,
    num_test_rows: int = 20_000,
    seed: int = 0,
) -> Dataset:
    """Simulate clicks that depend on how often a song of the candidate's topic was played.

    Args:
        num_rows: rows of the training split.
        filled: share of the histories that the second song fills up to the full length.
        num_valid_rows, num_test_rows: rows of the other splits.
        seed: integer of 0 or more.

    Returns:
        A ``Dataset`` with the slice ``"match"``, the rows whose candidate is of a topic that was
        played.
    """
    random = np.random.default_rng(seed)
    sizes = (num_rows, num_valid_rows, num_test_rows)
    first_rows = np.cumsum((0, *sizes[:-1]))
    splits = [_split(*one, filled, random) for one in zip(sizes, first_rows, strict=True)]
    return Dataset("plays", COLUMNS, *splits)


def _split(num_rows, first_row, filled, random):
    topics = random.permuted(np.tile(np.arange(TOPICS), (num_rows, 1)), axis=1)[:, :3]
    songs = SONGS_OF_TOPIC * topics + random.integers(1, SONGS_OF_TOPIC + 1, (num_rows, 3))
    count = random.integers(1, MOST_PLAYS + 1, num_rows)
    length = np.where(random.random(num_rows) < filled, LENGTH, 2 * count)
    step = np.arange(LENGTH)
    history = np.where(step < count[:, None], songs[:, :1], songs[:, 1:2])
    history[step >= length[:, None]] = 0
    # In any order, padding behind.
    order = np.argsort(random.random(history.shape) + 2 * (history == 0), axis=1)
    match = random.random(num_rows) < 0.5
    topic = np.where(match, topics[:, 0], topics[:, 2])
    candidate = SONGS_OF_TOPIC * topic + random.integers(1, SONGS_OF_TOPIC + 1, num_rows)
    probability = 1 / (1 + np.exp(-BIAS - STRENGTH * count * match))
    rows = np.arange(first_row, first_row + num_rows)
    return Split(
        features={"item_id": candidate, "history": np.take_along_axis(history, order, axis=1)},
        labels={"click": (random.random(num_rows) < probability).astype(np.float32)},
        group=rows,
        row_id=rows,
        probability={"click": probability},
        slices={"match": match},
    )
