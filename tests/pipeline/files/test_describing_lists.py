"""``describe`` on lists: their separator, whose ids they hold, their moments; and units of time."""

import tomllib

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline import files

ROWS = 4_000
FIRST = 1_714_528_800


def log(seed=0, **columns):
    """Impressions with a sparse set of item ids, an item for each of ``items``."""
    rng = np.random.default_rng(seed)
    item = rng.integers(0, 400, ROWS)
    frame = {"user_id": rng.integers(0, 300, ROWS), "item_id": 17 * item + 3}
    return pd.DataFrame({**frame, **columns, "click": rng.integers(0, 2, ROWS)})


def texts(mark, pool, lengths, seed=1):
    rng = np.random.default_rng(seed)
    return [mark.join(map(str, rng.choice(pool, n))) for n in lengths]


def describe(tmp_path, frame, **given):
    """The text of the first description, and its tables."""
    frame.to_csv(tmp_path / "log.csv", index=False)
    text = files.suggest(tmp_path / "log.csv", folder=tmp_path, **given)
    return text, tomllib.loads(text)


ITEMS = 17 * np.arange(400) + 3
LENGTHS = np.random.default_rng(3).integers(0, 6, ROWS)


@pytest.mark.parametrize("mark", ["|", ";", ",", " ", "-", "^", "/", "||", "\x02"])
def test_the_separator_is_the_one_whose_parts_are_items(tmp_path, mark):
    text, found = describe(tmp_path, log(basket=texts(mark, ITEMS, LENGTHS)))
    given = found["columns"]["basket"]
    assert given == {"kind": "sequence", "separator": mark, "max_length": 5, "table": "item_id"}
    assert "100% of the parts are values of item_id" in text
    assert "100% of its ids are values of it, by chance 6%" in text
    (tmp_path / "data.toml").write_text(text)
    dataset = files.load(tmp_path / "data.toml")
    assert (dataset.train.features["basket"] > 0).sum(axis=1).max() == 5
    assert dataset.warnings == ()


def test_parts_that_look_like_a_list_may_be_one_id(tmp_path):
    """A separator inside of ids, which by its looks would be one: the overlap tells."""
    items = [f"c{number % 7};{number}" for number in range(400)]
    frame = log(basket=texts("|", items, LENGTHS))
    frame["item_id"] = [items[number] for number in (frame["item_id"] - 3) // 17]
    found = describe(tmp_path, frame)[1]["columns"]
    assert found["basket"]["separator"] == "|"
    assert found["basket"]["table"] == "item_id"


def test_texts_that_are_no_lists(tmp_path):
    rng = np.random.default_rng(2)
    frame = log()
    frame["pair"] = [f"{u % 50}_{i}" for u, i in zip(frame.user_id, frame.item_id, strict=True)]
    frame["clock"] = [f"{n % 24}:{n % 60}" for n in rng.integers(0, 10**6, ROWS)]
    frame["version"] = [f"{n % 5}.{n % 7}.{n % 11}" for n in rng.integers(0, 10**6, ROWS)]
    frame["json"] = [f"[{text}]" for text in texts(", ", ITEMS, LENGTHS)]
    text, found = describe(tmp_path, frame)
    kinds = {name: one["kind"] for name, one in found["columns"].items()}
    assert "sequence" not in kinds.values()
    assert kinds["json"] == "ignore"
    assert "# lists in brackets are not read: write them as 1|2|3" in text


def test_small_whole_numbers_coincide_by_chance(tmp_path):
    """All 20 genres are numbers of items, too, as any 20 small numbers would be."""
    frame = log(genres=texts("|", np.arange(20), LENGTHS), views=np.arange(ROWS) % 37)
    frame["item_id"] = (frame["item_id"] - 3) // 17
    text, found = describe(tmp_path, frame)
    assert "table" not in found["columns"]["genres"]
    assert "# 100% of its ids are values of item_id, by chance it would be 100%: not taken" in text
    assert found["columns"]["views"]["kind"] == "numeric"
    named = frame.rename(columns={"genres": "item_history"})
    text, found = describe(tmp_path, named)
    assert found["columns"]["item_history"]["table"] == "item_id"
    assert "chance gives as many: by its name" in text


def test_a_column_of_another_item_has_the_items_table(tmp_path):
    frame = log(prev_item=ITEMS[np.arange(ROWS) * 7 % 400], price=np.arange(ROWS) % 97)
    found = describe(tmp_path, frame)[1]["columns"]
    assert found["prev_item"] == {"kind": "categorical", "group": "context", "table": "item_id"}
    assert found["price"]["kind"] == "numeric"


def test_the_longest_list_is_that_of_the_whole_file(tmp_path, monkeypatch):
    from recsys_pipeline.files import batches
    from recsys_pipeline.files import column_profiles as profiles

    monkeypatch.setattr(batches, "BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(profiles, "SAMPLE_BYTES", 1 << 12)
    lengths = np.minimum(LENGTHS, 3)
    lengths[5], lengths[-2] = 61, 30
    text, found = describe(tmp_path, log(basket=texts("|", ITEMS, lengths)))
    assert found["columns"]["basket"]["max_length"] == 50
    assert "61 at most, 2.0 on average, 1 longer than 50" in text
    assert "# 4,000 rows were read; what compares rows was computed on" in text


def moments(frame, lengths, unit=1, mark="|", late=0):
    ends = zip(frame["time"], lengths, strict=True)
    return [
        mark.join(str(int(end) - unit * (n - place) + late) for place in range(n))
        for end, n in ends
    ]


@pytest.mark.parametrize(("unit", "mark"), [(1, "|"), (1000, "|"), (1000, "^")])
def test_moments_beside_a_list(tmp_path, unit, mark):
    """Whatever they are called, and wherever they stand."""
    frame = log(time=(FIRST + 5 * np.arange(ROWS)) * unit)
    frame.insert(0, "besides", moments(frame, LENGTHS, unit, mark))
    frame["basket"] = texts(mark, ITEMS, LENGTHS)
    text, found = describe(tmp_path, frame)
    assert found["columns"]["basket"]["times"] == "besides"
    assert "besides" not in found["columns"]
    (tmp_path / "data.toml").write_text(text)
    assert files.load(tmp_path / "data.toml").column("basket").max_length == 5


@pytest.mark.parametrize(
    ("late", "unit", "reason"),
    [
        (100, 1, "moments, and in 3,"),
        (0, 1000, "moments in ms, where [time] says s: write one"),
    ],
)
def test_moments_that_training_could_not_read(tmp_path, late, unit, reason):
    frame = log(time=FIRST + 5 * np.arange(ROWS), basket=texts("|", ITEMS, LENGTHS))
    scaled = frame.assign(time=frame["time"] * unit)
    frame["basket_times"] = moments(scaled, LENGTHS, late=late)
    text, found = describe(tmp_path, frame)
    assert "times" not in found["columns"]["basket"]
    assert f'[columns.basket_times]\nkind = "ignore"            # {reason}' in text


def test_ids_of_ten_digits_are_no_moments(tmp_path):
    """They are as long as the list beside them, and as large as seconds, but later than the row."""
    frame = log(time=FIRST + 5 * np.arange(ROWS), basket=texts("|", ITEMS, LENGTHS))
    frame["shops"] = texts("|", 3_000_000_000 + np.arange(60), LENGTHS)
    assert describe(tmp_path, frame)[1]["columns"]["shops"]["kind"] == "sequence"


@pytest.mark.parametrize(
    ("values", "settings"),
    [
        (FIRST + np.arange(ROWS), {"unit": "s"}),
        (FIRST + np.arange(ROWS) / 2, {"unit": "s"}),
        (978_300_760_000 + np.arange(ROWS), {"unit": "ms"}),
        ((FIRST + np.arange(ROWS)) * 10**6, {"unit": "us"}),
        ((FIRST + np.arange(ROWS)) * 10**9, {"unit": "ns"}),
        (2024050100 + np.arange(ROWS) % 24, {"format": "%Y%m%d%H"}),
        (20240501120000 + np.arange(ROWS) % 60, {"format": "%Y%m%d%H%M%S"}),
        (14102100 + np.arange(ROWS) % 24, {"format": "%y%m%d%H"}),  # as in Avazu
        (pd.date_range("2024-05-01", periods=ROWS, freq="min").strftime("%d/%m/%Y %H:%M"), None),
    ],
)
def test_units_and_formats_by_plausibility(tmp_path, values, settings):
    text, found = describe(tmp_path, log(time=values))
    settings = {"format": "%d/%m/%Y %H:%M"} if settings is None else settings
    assert found["time"] == {"column": "time", **settings}
    (tmp_path / "data.toml").write_text(text)
    files.load(tmp_path / "data.toml")


def test_the_finest_moment_is_the_rows_and_others_are_no_features(tmp_path):
    frame = log(date=20240501 + np.arange(ROWS) // 200, time_ms=(FIRST + np.arange(ROWS)) * 1000)
    frame["born_date"] = 19900101 + frame["user_id"] % 28
    text, found = describe(tmp_path, frame)
    assert found["time"] == {"column": "time_ms", "unit": "ms"}
    assert found["columns"]["date"] == {"kind": "ignore"}
    assert "# a second time, which later rows have and training rows do not" in text
    assert found["columns"]["born_date"]["group"] == "user"  # known before


def test_a_doubtful_time_is_remarked(tmp_path):
    frame = log(time=10**15 * (1 + np.arange(ROWS) % 9))
    text, found = describe(tmp_path, frame)
    assert "time" not in found
    assert "# look at time: numbers from 1e+15 to 9e+15: its name is that of a time, and no" in text
    text, found = describe(tmp_path, log(steps=np.arange(ROWS)), time="steps")
    assert found["time"] == {"column": "steps", "unit": "any"}
    assert (
        "# look at steps: numbers from 0 to 3999: no unit makes moments from 1990 to 2100" in text
    )
    with pytest.raises(ValueError, match="column 'word': expected moments, as numbers or dates"):
        describe(tmp_path, log(word=["early"] * ROWS), time="word")
