"""An id has one form, in the vocabulary of training as in a request: no blanks, and 1.0 is 1.

``export_of_raw_ids.zip`` was written before there was one: " Private" and "Private" are two ids.
"""

import json
import pathlib
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recsys_lib.memorization import build_logistic_regression
from recsys_pipeline import files
from recsys_pipeline.export import export, verify
from recsys_pipeline.export.columns import Column
from recsys_pipeline.export.describing import describe_column
from recsys_pipeline.export.fields import BadField, canonical_id
from recsys_pipeline.export.reading import Encoder
from recsys_pipeline.export.replay import Replay
from recsys_pipeline.export.values import Values
from recsys_pipeline.files.arrays import canonical_texts, categories_of
from recsys_pipeline.files.vocabulary import Vocabulary

DESCRIPTION = """
files = "log.csv"
group = "user"
slices = ["user"]
[split]
by = "order"
[labels.label]
[columns.user]
group = "user"
[columns.work]
[columns.history]
kind = "sequence"
max_length = 3
table = "item"
[columns.item]
group = "item"
"""
ROWS = [  # pandas writes 1.0 in a column with a missing value; other programs write blanks
    (1, "1.0", " State-gov", "7.0| 8", "7"),
    (0, "2.0", "Private", "8", "8.0"),
    (1, "1", "State-gov ", "", " 7"),
    (0, "2", " ", "7", "8"),
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    frame = pd.DataFrame(ROWS * 10, columns=["label", "user", "work", "history", "item"])
    frame.to_csv(folder / "log.csv", index=False)
    (folder / "data.toml").write_text(DESCRIPTION)
    return files.load(folder / "data.toml")


@pytest.fixture(scope="module")
def exported(dataset, tmp_path_factory):
    model = build_logistic_regression(dataset.feature_columns)
    return export(model, tmp_path_factory.mktemp("exports") / "lr", dataset, onnx=False)


def test_a_vocabulary_has_each_id_once(dataset):
    assert dataset.vocabularies["user"].tolist() == ["1", "2"]
    assert dataset.vocabularies["work"].tolist() == ["State-gov", "Private", None]
    assert dataset.vocabularies["item"].tolist() == ["7", "8"]
    features = dataset.train.features
    assert features["user"][:4].tolist() == [1, 2, 1, 2]
    assert features["work"][:4].tolist() == [1, 2, 1, 3]  # blanks alone are a missing value
    assert features["history"][:4].tolist() == [[1, 2, 0], [2, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert set(dataset.test.slices) == {"user=1", "user=2"}
    assert len(np.unique(dataset.train.group)) == 2


@pytest.mark.parametrize("number", [1e16, 1.2345678901234568e16, -1.5e17, 1e22])
def test_a_large_whole_number_has_one_form(number, tmp_path):
    """Python and pandas write floats from 1e16 on with an exponent, and integers without."""
    wanted = str(int(number))
    assert {canonical_id(raw) for raw in (number, int(number), str(number))} == {wanted}
    pd.DataFrame({"id": [number, None, 1.0]}).to_csv(tmp_path / "ids.csv", index=False)
    text = (tmp_path / "ids.csv").read_text().split()[1]
    texts = canonical_texts(pa.array([text, wanted, None, "1e16", "7e+1x", "1.5e+00"]))
    assert texts.to_pylist() == [wanted, wanted, None, "1e16", "7e+1x", "1.5e+00"]
    assert canonical_texts(pa.chunked_array([[text], [wanted]])).to_pylist() == [wanted, wanted]
    assert canonical_id("9e+999") == "9e+999"


@pytest.mark.parametrize("user", [1, 1.0, "1", "1.0", " 1.00 ", "\t1\n"])
@pytest.mark.parametrize("work", ["State-gov", " State-gov"])
def test_files_and_service_read_an_id_alike(dataset, exported, user, work):
    encoder = Encoder(json.loads((exported / "description.json").read_text()))
    items = [7, 7.0, "7", " 7.0", "07", "7.5"]
    request = {"user": user, "work": work, "history": [7.0, "8 ", " "]}
    read, candidates = encoder(request, {"item": items})
    assert (read["user"].tolist(), read["work"].tolist()) == ([1], [1])
    assert read["history"].tolist() == [[1, 2, 0]]
    assert candidates["item"].tolist() == [1, 1, 1, 1, 0, 0]
    texts = [str(item) for item in items]
    rows = {"user": [user] * 6, "work": [work] * 6, "history": [["7.0", "8 "]] * 6, "item": texts}
    features = dataset.encode(rows)
    assert features["item"].tolist() == [1, 1, 1, 1, 0, 0]
    assert features["history"][0].tolist() == [1, 2, 0]
    assert (features["user"].tolist(), features["work"].tolist()) == ([1] * 6, [1] * 6)


def test_what_is_no_id_is_refused(exported):
    encoder = Encoder(json.loads((exported / "description.json").read_text()))
    request = {"user": 1, "work": "Private", "history": []}
    for item in (7.5, True, [7], float("inf")):
        with pytest.raises(BadField, match=r"item\.0: expected text or an integer, got"):
            encoder(request, {"item": [item]})


def test_ids_that_are_the_models_own_may_be_whole_floats(dataset):
    spec = describe_column(dataset.column("item"), Values())
    assert [Column(spec).id_of(raw, ("item",)) for raw in (2, 2.0, 9.0)] == [2, 2, 0]
    with pytest.raises(BadField, match=r"item: expected an integer, got 2\.5"):
        Column(spec).id_of(2.5, ("item",))


def test_an_export_from_before_answers_as_it_did(tmp_path):
    shutil.unpack_archive(pathlib.Path(__file__).with_name("export_of_raw_ids.zip"), tmp_path)
    assert "as exported, with onnx" in verify(tmp_path, "onnx")  # its own script
    replayed = Replay(tmp_path)  # this library
    assert max(replayed.verify().values()) < 1e-6
    request = {"user": "4.0", "work": " Private", "history": []}
    read, candidates = replayed.encode(request, {"item": ["7", "7.0", "y", " y", 7]})
    assert (read["user"].tolist(), read["work"].tolist()) == ([3], [4])
    assert candidates["item"].tolist() == [4, 1, 0, 2, 4]
    read, _ = replayed.encode({**request, "user": "4", "work": "Private "}, {"item": ["7"]})
    assert (read["user"].tolist(), read["work"].tolist()) == ([0], [0])
    with pytest.raises(BadField, match=r"request\.user: expected text or an integer, got 4.0"):
        replayed.encode({**request, "user": 4.0}, {"item": ["7"]})


def test_a_vocabulary_from_before_reads_as_it_did():
    before = Vocabulary.from_config({"type": "string", "values": ["1.0", " a", "a"]})
    values = categories_of(["1.0", "1", " a", "a", "a ", None])
    assert before.ids(values).tolist() == [1, 0, 2, 3, 0, 0]
    assert Vocabulary.from_config(before.config()).ids(values).tolist() == [1, 0, 2, 3, 0, 0]
    numbers = Vocabulary.from_config({"type": "int64", "values": [7, 8]})
    assert numbers.ids(categories_of([" 7", "8.0", "x", "07"])).tolist() == [1, 2, 0, 0]
    assert numbers.ids(categories_of([8, 9])).tolist() == [2, 0]


def test_two_known_values_that_are_one_id_are_refused(dataset):
    column = dataset.column("work")
    with pytest.raises(ValueError, match="expected each value once, got one twice"):
        Values(known=["a", " a"]).to_config(column)
    assert Values(known=["a", " a"], canonical=False).to_config(column)["known"] == ["a", " a"]
