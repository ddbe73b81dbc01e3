"""Labels and their masks, times in every unit, splits by time and by user, slices."""

import datetime
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline import files


def columns(rows=40, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "label": np.arange(rows) % 2,
            "user": [f"u{number}" for number in rng.integers(0, 4, rows)],
            "item": [f"i{number}" for number in rng.integers(0, 5, rows)],
            "time": rng.permutation(rows) * 10,
        }
    )


@pytest.fixture
def write(tmp_path):
    def writer(frame, name="log.csv"):
        path = tmp_path / name
        frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
        return path

    return writer


def test_by_time_the_latest_rows_are_the_test(write):
    frame = columns()
    dataset = files.load(write(frame), time="time", ignore=["item"])
    assert [len(split) for split in dataset.splits.values()] == [32, 4, 4]
    assert sorted(dataset.test.time) == [360, 370, 380, 390]
    assert sorted(dataset.valid.time) == [320, 330, 340, 350]
    assert dataset.test.time.tolist() == frame["time"].to_numpy()[dataset.test.row_id].tolist()
    assert "time" not in dataset.train.features


def test_rows_of_one_moment_stay_together(write):
    frame = columns()
    frame["time"] = np.sort(frame["time"]) // 100  # ten rows of each moment
    dataset = files.load(write(frame), time="time", ratios=(0.6, 0.2, 0.2))
    assert [set(split.time) for split in dataset.splits.values()] == [{0, 1}, {2}, {3}]


@pytest.mark.parametrize("given_as", ["text", "date", "number"])
def test_moments_may_be_stated(write, given_as):
    frame = columns()
    first = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    frame["time"] = first.timestamp() + frame["time"] * 3600
    moments = {
        "text": ("2024-05-05", "2024-05-10T12:00:00+00:00"),
        "date": (datetime.date(2024, 5, 5), datetime.datetime(2024, 5, 10, 12)),
        "number": (first.timestamp() + 4 * 86_400, first.timestamp() + 9.5 * 86_400),
    }[given_as]
    dataset = files.load(write(frame), time="time", valid_from=moments[0], test_from=moments[1])
    hours = (frame["time"].to_numpy() - first.timestamp()) / 3600
    for split, low, high in (
        (dataset.train, 0, 96),
        (dataset.valid, 96, 228),
        (dataset.test, 228, 1e9),
    ):
        expected = np.flatnonzero((hours >= low) & (hours < high))
        assert split.row_id.tolist() == expected.tolist()


def test_by_user_the_latest_rows_of_each_are_the_test(write):
    frame = columns(80)
    dataset = files.load(
        write(frame), time="time", group="user", split="user", ratios=(0.6, 0.2, 0.2)
    )
    found = {name: set(split.row_id.tolist()) for name, split in dataset.splits.items()}
    for _, rows in frame.groupby("user"):
        order = rows["time"].sort_values().index.tolist()
        ends = np.rint(np.array([0.6, 0.8]) * len(order)).astype(int)
        assert found["train"] & set(order) == set(order[: ends[0]])
        assert found["valid"] & set(order) == set(order[ends[0] : ends[1]])
        assert found["test"] & set(order) == set(order[ends[1] :])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=30, max_size=60),
    by=st.sampled_from(["time", "user"]),
)
def test_no_split_of_a_time_lets_a_later_row_train(tmp_path_factory, rows, by):
    frame = pd.DataFrame(rows, columns=["user", "time"])
    frame["label"] = np.arange(len(frame)) % 2
    frame["x"] = np.arange(len(frame)) // 2 % 2
    path = tmp_path_factory.mktemp("split") / "log.csv"
    frame.to_csv(path, index=False)
    try:
        dataset = files.load(path, time="time", group="user", split=by, ratios=(0.5, 0.25, 0.25))
    except ValueError as error:  # few moments may leave a split empty, or training one label
        assert "too few" in str(error) or "both labels" in str(error)
        return
    splits = list(dataset.splits.values())
    assert sorted(np.concatenate([split.row_id for split in splits])) == list(range(len(rows)))
    for earlier, later in itertools.pairwise(splits):
        for user in set(earlier.group) & set(later.group) if by == "user" else [None]:
            first = earlier.time if user is None else earlier.time[earlier.group == user]
            second = later.time if user is None else later.time[later.group == user]
            assert first.max() <= second.min()


def test_a_random_split_of_rows_with_a_time_leaks_and_is_refused(write):
    with pytest.raises(ValueError, match="valid, time: rows lie before the same group's rows"):
        files.load(write(columns()), time="time", split="random")


def test_three_files_out_of_time_are_refused(write):
    frame = columns().sort_values("time")
    parts = [write(frame[:20], "a.csv"), write(frame[20:30], "b.csv"), write(frame[30:], "c.csv")]
    assert files.load(parts, time="time").test.time.min() == 300
    for order, where in (((0, 2, 1), "test"), ((1, 0, 2), "valid")):
        with pytest.raises(ValueError, match=f"{where}, time: rows lie before the same group's"):
            files.load([parts[number] for number in order], time="time")


MOMENT = datetime.datetime(2024, 5, 6, 7, 8, 9, 250_000, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "options"),
    [
        (MOMENT.timestamp(), {}),
        (round(MOMENT.timestamp() * 1e3), {"time_unit": "ms"}),
        (round(MOMENT.timestamp() * 1e6), {"time_unit": "us"}),
        (round(MOMENT.timestamp() * 1e6) * 1000, {"time_unit": "ns"}),
        ("2024-05-06T07:08:09.250Z", {}),
        ("2024-05-06 09:08:09.25+02:00", {}),
        ("2024-05-06 07:08:09.25", {}),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_moments_in_every_unit(write, value, options, ending):
    frame = columns()
    frame["time"] = [value] * 40
    part = write(frame, f"log.{ending}")
    dataset = files.load([part] * 3, time="time", **options)
    assert dataset.test.time == pytest.approx([MOMENT.timestamp()] * 40, abs=1e-5)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_days_that_are_written_as_numbers(write, tmp_path, ending):
    frame = columns(30)
    frame["time"] = np.sort([20_240_505 + number % 3 for number in range(30)])
    path = write(frame, f"log.{ending}")
    text = f'files = "{path.name}"\nother_columns = "categorical"\n[labels.label]\n[time]\n'
    text += 'column = "time"\nformat = "%Y%m%d"\n[split]\nvalid_from = 2024-05-06\n'
    (tmp_path / "data.toml").write_text(text + "test_from = 2024-05-07\n")
    dataset = files.load(tmp_path / "data.toml")
    assert [len(split) for split in dataset.splits.values()] == [10, 10, 10]
    assert set(dataset.valid.time) == {
        datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC).timestamp()
    }


def test_times_of_parquet(write):
    frame = columns()
    frame["time"] = pd.to_datetime([MOMENT] * 40)
    part = write(frame, "log.parquet")
    assert set(files.load([part] * 3, time="time").test.time) == {MOMENT.timestamp()}
    frame["time"] = datetime.date(2024, 5, 6)
    part = write(frame, "log.parquet")
    midnight = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC).timestamp()
    assert set(files.load([part] * 3, time="time").test.time) == {midnight}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "line 5, column 'time': expected a number or a date .ISO 8601., got None"),
        ("later", "line 5, column 'time': expected a number or a date .ISO 8601., got 'later'"),
        ("2024-13-01", "line 5, column 'time': expected a number or a date"),
    ],
)
@pytest.mark.parametrize("others", ["7", "2024-05-06"])
def test_a_moment_that_is_none_is_named_with_its_line(write, value, message, others):
    frame = columns()
    frame["time"] = [others] * 3 + [value] + [others] * 36
    with pytest.raises(ValueError, match=message):
        files.load(write(frame), time="time")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_milliseconds_are_not_read_as_seconds(write, ending):
    frame = columns()
    frame["time"] = np.sort([1_715_000_000_000 + number for number in range(40)])
    path = write(frame, f"log.{ending}")
    message = r"column 'time': expected a time in the unit 's', got '?1715000000000'?, after the"
    with pytest.raises(ValueError, match=message):
        files.load(path, time="time")
    assert files.load(path, time="time", time_unit="ms").test.time.max() < 1.8e9
    with pytest.warns(UserWarning, match="time: expected seconds"):
        assert files.load(path, time="time", time_unit="any").test.time.max() > 1.7e12


LABELS = "label,watch,played,x\n1,2.5,1,a\n0,,0,b\n1,,1,a\n0,-1,1,b\n"


@pytest.fixture
def labelled(tmp_path):
    def loader(said, text=LABELS):
        (tmp_path / "log.csv").write_text(text)
        part = '"log.csv"\n'
        head = f'other_columns = "ignore"\n[files]\ntrain = {part}valid = {part}test = {part}'
        (tmp_path / "data.toml").write_text(head + "[columns.x]\n" + said)
        return files.load(tmp_path / "data.toml")

    return loader


def test_a_label_may_not_exist(labelled):
    optional = '[labels.watch]\nkind = "regression"\noptional = true\n'
    dataset = labelled("[labels.label]\n" + optional)
    assert dataset.train.labels["watch"].tolist() == [2.5, 0, 0, -1]
    assert dataset.train.label_masks["watch"].tolist() == [True, False, False, True]
    assert set(dataset.train.label_masks) == {"watch"}
    assert dataset.tasks == {"label": "binary", "watch": "regression"}
    both = labelled(optional.replace("true\n", 'true\nwhere = "label"\n'), LABELS + "1,4,1,b\n")
    assert both.train.label_masks["watch"].tolist() == [True, False, False, False, True]
    table = files.describe(dataset)
    assert table["watch_mean"].tolist() == [0.75] * 3
    assert table["watch_rows"].tolist() == [2] * 3


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            '[labels.watch]\nkind = "regression"\n',
            "line 3, column 'watch': expected a number on ev",
        ),
        (
            '[labels.watch]\nkind = "regression"\nwhere = "played"\n',
            "line 4, column 'watch': expected a number, got nothing",
        ),
        (
            '[labels.label]\nwhere = "watch"\n',
            "line 2, column 'watch': expected 0 or 1, got 2.5",
        ),
        ('[labels.played]\nwhere = "label"\n', "with both labels, got only 1 of 'played'"),
        ("[labels.watch]\noptional = true\n", "line 2, column 'watch': expected a label 0 or 1"),
    ],
)
def test_a_label_that_is_missing_or_wrong_is_named(labelled, said, message):
    with pytest.raises(ValueError, match=message):
        labelled(said)


def test_a_label_that_no_training_row_has_is_named(labelled):
    text = LABELS.replace("2.5", "").replace("-1", "")
    with pytest.raises(ValueError, match="no training row has the label 'watch'"):
        labelled('[labels.watch]\nkind = "regression"\noptional = true\n', text)


def test_slices_are_the_values_of_a_column(write):
    frame = columns()
    frame["page"] = ["a", "b", None, "a"] * 10
    dataset = files.load(write(frame), slices=["page"], split="order", ignore=["page"])
    assert next(iter(dataset.test.slices)) == "page=a"  # the most frequent one
    assert set(dataset.test.slices) == {"page=a", "page=b", "page=missing"}
    for split in dataset.splits.values():
        page = frame["page"].to_numpy()[split.row_id]
        assert split.slices["page=a"].tolist() == (page == "a").tolist()
        assert split.slices["page=missing"].tolist() == pd.isna(page).tolist()
    assert "page" not in dataset.test.features


def test_slices_are_those_of_the_most_frequent_values(write):
    frame = columns(400)
    frame["page"] = [min(number % 60, 30) for number in range(400)]
    dataset = files.load(write(frame), slices=["page"], ratios=(0.4, 0.1, 0.5))
    counts = pd.Series(frame["page"].to_numpy()[dataset.test.row_id]).value_counts()
    assert len(dataset.test.slices) == 20
    assert next(iter(dataset.test.slices)) == "page=30"
    smallest = min(mask.sum() for mask in dataset.test.slices.values())
    assert smallest >= sorted(counts, reverse=True)[19]
