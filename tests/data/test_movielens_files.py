"""The official MovieLens layouts, on small made sets."""

import numpy as np
import pytest

from recsys_lib.data import movielens, registry
from recsys_lib.data.registry import DataUnavailable

RATINGS = [
    (user, 1 + (user + step) % 3, 1 + (user * step) % 5, 978_300_000 + 10 * step + user)
    for user in (1, 2)
    for step in range(10)
]
TITLES = ["Toy Story (1995)", "Misérables, Les (1935)", "unknown"]


@pytest.fixture
def given(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path))
    monkeypatch.setattr(registry, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path


def write(path, rows, separator):
    path.parent.mkdir(exist_ok=True)
    text = "".join(separator.join(str(field) for field in row) + "\n" for row in rows)
    path.write_bytes(text.encode("latin-1"))


def write_100k(folder):
    write(folder / "u.data", RATINGS, "\t")
    flags = np.eye(19, dtype=int)
    films = [
        (1, TITLES[0], "01-Jan-1995", "", "http://x", *(flags[3] + flags[4] + flags[5])),
        (2, TITLES[1], "01-Jan-1935", "", "", *flags[8]),
        (3, TITLES[2], "", "", "", *flags[0]),
    ]
    write(folder / "u.item", films, "|")
    write(folder / "u.user", [(1, 24, "M", "writer", "85711"), (2, 53, "F", "other", "T8H")], "|")


def write_1m(folder):
    write(folder / "ratings.dat", RATINGS, "::")
    genres = ["Animation|Children's|Comedy", "Drama", "War"]
    write(folder / "movies.dat", zip((1, 2, 3), TITLES, genres, strict=True), "::")
    write(folder / "users.dat", [(1, "M", 18, 20, "85711"), (2, "F", 56, 3, "94110")], "::")


@pytest.mark.parametrize(("source", "make"), [("ml-100k", write_100k), ("ml-1m", write_1m)])
def test_official_layouts_become_the_common_log_and_a_dataset(given, source, make):
    make(given / source)
    log = movielens.ratings(source)
    assert log[["user", "movie", "rating", "timestamp"]].to_numpy().tolist() == [
        [float(value) for value in row] for row in RATINGS
    ]
    films = movielens.catalogue(source)
    assert films["title"].tolist() == ["Toy Story", "Misérables, Les", "unknown"]
    assert films["year"].tolist()[:2] == [1995, 1935] and np.isnan(films["year"][3])
    dataset = movielens.load(source, tasks=("like", "love"))
    names = [column.name for column in dataset.feature_columns]
    assert names[-3:] == ["age", "gender", "occupation"]
    assert {name: len(split) for name, split in dataset.splits.items()} == {
        "train": 12,
        "valid": 4,
        "test": 4,
    }
    first = dataset.train.features
    toy_story = first["genres"][first["movie_id"] == 1][0]
    children = [movielens.GENRES[number - 1] for number in toy_story if number]
    assert children == ["Animation", "Children", "Comedy"]
    of_user = {user: first["age"][dataset.train.group == user] for user in (1, 2)}
    expected = {"ml-100k": (2, 6), "ml-1m": (2, 7)}[source]
    assert tuple(int(of_user[user][0]) for user in (1, 2)) == expected
    assert set(first["gender"]) == {1, 2}


def test_love_means_five_whole_stars(given):
    write_1m(given / "ml-1m")
    dataset = movielens.load("ml-1m", tasks=("love",))
    assert dataset.train.label.tolist() == [
        float(RATINGS[row][2] == 5) for row in dataset.train.row_id
    ]


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("u.data", "1\t2\t3", r"u\.data, line 21: expected 4 fields separated by '\\t', got 3"),
        ("u.data", "1\t2\tx\t4", r"u\.data, line 21, column 'rating': expected an integer.*'x'"),
        ("u.data", "1\t2\t6\t4", r"u\.data, line 21, column 'rating': expected 1 to 5, got 6"),
        ("u.data", "1\t9\t3\t4", r"u\.data, line 21, .*'movie': expected an id of u\.item, got 9"),
        ("u.data", "9\t1\t3\t4", r"u\.data, line 21, .*'user': expected an id of u\.user, got 9"),
        ("u.user", "2|30|F|other|1", r"u\.user, line 3, .*'user': expected each id once, got 2"),
        ("u.item", "4|x|||" + "|2" * 19, r"u\.item, line 4, .*'unknown': expected 0 or 1, got 2"),
    ],
)
def test_bad_lines_are_named(given, file, line, message):
    write_100k(given / "ml-100k")
    with open(given / "ml-100k" / file, "a") as handle:
        handle.write(line + "\n")
    with pytest.raises(ValueError, match=message):
        movielens.ratings("ml-100k")


def test_a_missing_file_and_a_missing_set_say_what_to_do(given):
    with pytest.raises(DataUnavailable, match=r"ml-1m: not found .*recsys_lib\.data\.download"):
        movielens.load("ml-1m")
    write_1m(given / "ml-1m")
    (given / "ml-1m" / "users.dat").unlink()
    with pytest.raises(DataUnavailable, match=r"lacks users\.dat"):
        movielens.load("ml-1m")
