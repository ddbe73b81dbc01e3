"""Warnings: what must be said of a column, and what must not."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline import files
from recsys_pipeline.files import warnings

ROWS = 600


def base(seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "label": rng.integers(0, 2, ROWS),
            "user": [f"u{number}" for number in rng.integers(0, 30, ROWS)],
            "price": rng.normal(size=ROWS).round(4),
        }
    ), rng


@pytest.fixture
def warning(tmp_path):
    def loader(frame, said="", **options):
        frame.to_csv(tmp_path / "log.csv", index=False)
        head = 'files = "log.csv"\nother_columns = "categorical"\n[labels.label]\n'
        text = head + '[columns.price]\nkind = "numeric"\n' + said
        (tmp_path / "data.toml").write_text(text)
        return list(files.load(tmp_path / "data.toml", **options).warnings)

    return loader


def test_nothing_is_said_of_columns_in_which_nothing_is_wrong(warning):
    assert warning(base()[0]) == []


def test_a_column_that_names_its_row(warning):
    frame, rng = base()
    frame["request"] = rng.permutation(ROWS)
    found = warning(frame)
    assert any("request: 480 values on 480 training rows; it names the row" in one for one in found)
    assert any("request: 100% of the test rows have an id that no training" in one for one in found)


@pytest.mark.parametrize("separator", ["|", ";", " "])
def test_a_list_inside_a_category(warning, separator):
    frame, rng = base()
    frame["tags"] = [
        separator.join(map(str, rng.integers(10, 40, rng.integers(1, 5)))) for _ in range(ROWS)
    ]
    found = [one for one in warning(frame) if one.startswith("tags: values look like lists")]
    assert len(found) == 1
    assert f"separator = {separator!r}" in found[0]


@pytest.mark.parametrize("mark", ["^", "|"])
def test_a_list_that_its_separator_does_not_divide(warning, mark):
    """Its ids are those of the item, and so are the parts that another separator would give."""
    frame, rng = base()
    frame["item"] = [f"i{number}" for number in rng.integers(0, 50, ROWS)]
    lengths = rng.integers(1, 6, ROWS)
    frame["seen"] = [mark.join(f"i{one}" for one in rng.integers(0, 50, n)) for n in lengths]
    said = '[columns.seen]\nkind = "sequence"\nmax_length = 9\ntable = "item"\nseparator = "%s"\n'
    found = [one for one in warning(frame, said % ";") if one.startswith("seen:")]
    assert found == [
        "seen: a list's ids look like lists, each of which is one id here; a sequence reads them: "
        f"kind = 'sequence', separator = {mark!r} (100% of the parts are values of item)"
    ]
    assert not [one for one in warning(frame, said % mark) if "look like lists" in one]


def test_titles_are_no_lists(warning):
    frame, rng = base()
    words = np.array(["the", "return", "of", "a", "dark", "night", "king"])
    frame["title"] = [" ".join(rng.choice(words, 4)) for _ in range(ROWS)]
    frame["page"] = rng.choice(["a|b", "c|d"], ROWS)  # two values are no lists
    assert [one for one in warning(frame) if "look like lists" in one] == []


def test_columns_that_give_the_label_away(warning):
    frame, rng = base()
    label = frame["label"].to_numpy()
    frame["state"] = np.where(label == 1, "sold", rng.choice(["open", "seen"], ROWS))
    frame["minus"] = (-label + rng.normal(scale=0.1, size=ROWS)).round(4)
    frame["seconds"] = np.where(label == 1, rng.random(ROWS).round(4), np.nan)
    frame["trace"] = [f"a|{'b' if one else 'c'}" for one in label]
    frame["hint"] = (label + rng.normal(size=ROWS)).round(4)  # AUC .76: a good feature
    said = "".join(f'[columns.{name}]\nkind = "numeric"\n' for name in ("minus", "seconds", "hint"))
    said += '[columns.trace]\nkind = "sequence"\nmax_length = 3\n[columns.state]\n'
    found = [one.split(":")[0] for one in warning(frame, said) if "it alone reaches an AUC" in one]
    assert found == ["state", "minus", "seconds_missing", "trace"]


def test_a_column_that_gives_a_measured_label_away(warning):
    frame, rng = base()
    frame["watched"] = rng.lognormal(size=ROWS).round(4)
    frame["milliseconds"] = (frame["watched"] * 1000) ** 2
    frame["length"] = frame["watched"] + rng.lognormal(size=ROWS)
    said = "".join(f'[columns.{n}]\nkind = "numeric"\n' for n in ("milliseconds", "length"))
    found = warning(frame, said + '[labels.watched]\nkind = "regression"\n')
    assert [one.split(":")[0] for one in found] == ["milliseconds"]
    assert "a rank correlation of 1.000 for watched" in found[0]


def test_only_rows_with_the_label_tell(warning):
    frame, rng = base()
    frame["bought"] = rng.integers(0, 2, ROWS)
    frame["receipt"] = np.where(frame["label"] == 1, frame["bought"], rng.integers(0, 2, ROWS))
    said = '[labels.bought]\nwhere = "label"\n[columns.receipt]\n'
    found = [one for one in warning(frame, said) if "for bought" in one]
    assert [one.split(":")[0] for one in found] == ["receipt"]


def test_an_id_that_is_new_on_later_rows(warning):
    frame, rng = base()
    frame["day"] = np.arange(ROWS) // 12
    frame["page"] = rng.integers(0, 5, ROWS)
    found = warning(frame, '[split]\nby = "order"\n')
    assert [one for one in found if one.startswith("day")] == [
        "day: 100% of the valid rows have an id that no training row has",
        "day: 100% of the test rows have an id that no training row has",
    ]
    assert not [one for one in found if one.startswith("page")]


def test_ids_are_scored_by_training_rows_alone(tmp_path):
    """An id that each row has for itself would otherwise tell every label."""
    frame, rng = base()
    frame["request"] = rng.permutation(ROWS)
    frame.to_csv(tmp_path / "log.csv", index=False)
    dataset = files.load(tmp_path / "log.csv", numeric=["price"])
    assert warnings.alone(dataset, dataset.column("request"), "label") is None
    assert warnings.alone(dataset, dataset.column("user"), "label") < 0.7
