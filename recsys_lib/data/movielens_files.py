"""Readers of the official MovieLens-100K and -1M layouts, in the common form of ``movielens``.

Formats: the README files in the archives. Both are Latin-1 text; 100K separates by tab and ``|``,
1M by ``::``.
"""

import numpy as np
import pandas as pd

from recsys_lib.data import registry
from recsys_lib.data.tables import bad_value, check_values, read_table

_RATING = ("user", "movie", "rating", "timestamp")
_GENRES_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)


def read(source):
    """The log of ``"ml-100k"`` or ``"ml-1m"``, as ``movielens.ratings`` returns it."""
    folder = registry.locate(source)
    return _read_100k(folder) if source == "ml-100k" else _read_1m(folder)


def _read_100k(folder):
    kinds = dict.fromkeys(_RATING, "integer")
    ratings = read_table(folder / "u.data", kinds, separator="\t", header=_RATING)
    head = ("movie", "title", "release", "video_release", "url")
    films = read_table(
        folder / "u.item",
        {"movie": "integer", "title": "text", **dict.fromkeys(_GENRES_100K, "integer")},
        separator="|",
        header=head + _GENRES_100K,
        encoding="latin-1",
    )
    flags = films[list(_GENRES_100K)].to_numpy()
    for position, genre in enumerate(_GENRES_100K):
        wrong = ~np.isin(flags[:, position], (0, 1))
        check_values(folder / "u.item", films, genre, wrong, "0 or 1", 1)
    names = np.array(_GENRES_100K)
    films["genres"] = ["|".join(names[row]) for row in flags.astype(bool)]
    users = read_table(
        folder / "u.user",
        {"user": "integer", "age": "integer", "gender": "text", "occupation": "text"},
        separator="|",
        header=("user", "age", "gender", "occupation", "zip_code"),
        encoding="latin-1",
    )
    return _join(ratings, films, users, folder, ("u.data", "u.item", "u.user"))


def _read_1m(folder):
    kinds = dict.fromkeys(_RATING, "integer")
    ratings = read_table(folder / "ratings.dat", kinds, separator="::", header=_RATING)
    films = read_table(
        folder / "movies.dat",
        {"movie": "integer", "title": "text", "genres": "text"},
        separator="::",
        header=("movie", "title", "genres"),
        encoding="latin-1",
    )
    users = read_table(
        folder / "users.dat",
        {"user": "integer", "gender": "text", "age": "integer", "occupation": "text"},
        separator="::",
        header=("user", "gender", "age", "occupation", "zip_code"),
        encoding="latin-1",
    )
    return _join(ratings, films, users, folder, ("ratings.dat", "movies.dat", "users.dat"))


def _join(ratings, films, users, folder, files):
    """The common frame; a rating of an undescribed film or user, or outside 1 to 5, is an error."""
    ratings_path = folder / files[0]
    wrong = ~ratings["rating"].between(1, 5)
    check_values(ratings_path, ratings, "rating", wrong, "1 to 5", 1)
    for table, key, file in ((films, "movie", files[1]), (users, "user", files[2])):
        repeated = table[key].duplicated()
        check_values(folder / file, table, key, repeated, "each id once", 1)
        unknown = ~ratings[key].isin(table[key]).to_numpy()
        if unknown.any():
            row = int(np.flatnonzero(unknown)[0])
            raise bad_value(ratings_path, row + 1, key, f"an id of {file}", ratings[key][row])
    year = films["title"].str.extract(r"\((\d{4})\)\s*$")[0]
    films = films.assign(
        year=pd.to_numeric(year).astype(np.float64),
        title=films["title"].str.replace(r"\s*\(\d{4}\)\s*$", "", regex=True),
    )
    films = films.set_index("movie").loc[ratings["movie"], ["title", "year", "genres"]]
    users = users.set_index("user").loc[ratings["user"], ["gender", "age", "occupation"]]
    beside = (one.reset_index(drop=True) for one in (films, users))
    log = pd.concat([ratings.astype({"rating": np.float64}), *beside], axis=1)
    return log[["user", "movie", *films, "rating", "timestamp", *users]]
