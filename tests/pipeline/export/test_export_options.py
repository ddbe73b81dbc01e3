"""How ``export`` may be called, and what it refuses."""

import dataclasses
import json
import re

import keras
import numpy as np
import onnxruntime
import pytest
import small_shop
from reference import randomize
from small_shop import USER_SIDE, description_of

from recsys_lib.features import CategoricalColumn, SequenceColumn
from recsys_lib.locks import locked
from recsys_lib.memorization import build_logistic_regression
from recsys_lib.sequence import build_dien, build_din, build_gru
from recsys_lib.sequence.parts import LONGEST_UNROLLED
from recsys_lib.training import predict, save
from recsys_pipeline import INSTALL
from recsys_pipeline.export import Replay, Sampling, Values, export, folders, graphs, verify


@pytest.fixture(scope="module")
def din():
    return small_shop.din()


def test_an_existing_folder_is_left_alone(din, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="folder: expected one that does not exist yet"):
        export(din, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_failure_leaves_nothing_behind(din, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("Tensorflow op [x: Unknown] is not supported")

    monkeypatch.setattr(folders, "write_onnx", fail)
    with pytest.raises(ValueError, match=r"'din', rows\.onnx: not converted: .*is not supported"):
        export(din, tmp_path / "out" / "din", request_columns=USER_SIDE)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_killed_export_left_is_removed(din, tmp_path):
    (tmp_path / ".din.unfinished" / "saved_model").mkdir(parents=True)
    (tmp_path / ".din.unfinished" / "saved_model" / "half").write_text("")
    (tmp_path / ".din.lock").write_text("")
    folder = export(din, tmp_path / "din", request_columns=USER_SIDE, onnx=False)
    assert list(tmp_path.iterdir()) == [folder]
    assert not (folder / "saved_model" / "half").exists()


def test_two_processes_do_not_export_to_one_folder(din, tmp_path):
    (tmp_path / ".din.unfinished").mkdir()
    message = r"expected \.din\.lock to be free"
    with locked(tmp_path / ".din.lock", seconds=0), pytest.raises(TimeoutError, match=message):
        export(din, tmp_path / "din", request_columns=USER_SIDE, onnx=False)
    assert [path.name for path in tmp_path.iterdir()] == [".din.unfinished"]


def test_a_file_with_other_scores_is_not_exported(din, tmp_path, monkeypatch):
    def other(model, features):
        return {task: values + 1e-3 for task, values in predict(model, features).items()}

    monkeypatch.setattr(folders, "predict", other)
    with pytest.raises(ValueError, match=r"files for onnx: golden request, rows, 'click': candid"):
        export(din, tmp_path / "din", request_columns=USER_SIDE)


def test_without_the_converter_the_message_says_how_to_get_it(din, tmp_path, monkeypatch):
    monkeypatch.setattr(folders.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=re.escape(INSTALL)):
        export(din, tmp_path / "din")


def test_a_loaded_model_that_was_never_called_is_exported(tmp_path):
    model = small_shop.din(seed=3)
    save(model, tmp_path / "din.keras")
    loaded = keras.saving.load_model(tmp_path / "din.keras", compile=False)
    folder = export(loaded, tmp_path / "din", request_columns=USER_SIDE, onnx=False)
    features = small_shop.features(6, 2)
    found = Replay(folder, "tensorflow").run["rows"](features)["click"]
    np.testing.assert_allclose(found, predict(model, features)["click"], atol=1e-5)


def test_without_a_data_set_raw_ids_are_the_models_own(din, tmp_path):
    folder = export(din, tmp_path / "din", request_columns=USER_SIDE, onnx=False)
    columns = {spec["name"]: spec for spec in description_of(folder)["columns"]}
    assert columns["item_id"]["values"] == {"unknown": 0, "missing": 0, "canonical": True}
    replay = Replay(folder, "tensorflow")
    golden = replay.golden
    assert golden["candidates"]["item_id"][-1] == 7 and golden["features"]["item_id"][-1] == 0


def test_whose_a_number_is_is_not_guessed(din, tmp_path):
    message = r"request_columns: expected those of .* or a data set, .* whose numbers \['place', 'p"
    with pytest.raises(ValueError, match=message):
        export(din, tmp_path / "din", onnx=False)
    folder = export(din, tmp_path / "din", small_shop.dataset(), onnx=False)
    assert "price" not in description_of(folder)["request"]


@pytest.mark.parametrize("model", ["m", None])
def test_only_a_model_is_exported(model, tmp_path):
    with pytest.raises(ValueError, match="model: expected a Keras model, got"):
        export(model, tmp_path / "out", onnx=False)


def test_the_sides_may_be_named(din, tmp_path):
    folder = export(din, tmp_path / "din", request_columns=["history", "user_id"], onnx=False)
    description = description_of(folder)
    assert set(description["request"]) == {"user_id", "history"}
    # Lists on different sides do not run side by side.
    assert description["side_by_side"] == []
    assert verify(folder, "tensorflow")


def test_a_model_without_an_items_column_has_no_request_side(tmp_path):
    columns = [CategoricalColumn("a", 5), CategoricalColumn("b", 4)]
    folder = export(build_logistic_regression(columns), tmp_path / "lr", onnx=False)
    assert description_of(folder)["request"] == []
    assert len(json.loads((folder / "golden.json").read_text())["candidates"]["a"]) == 16


@pytest.mark.parametrize("names", [["nobody"], [column.name for column in small_shop.COLUMNS]])
def test_sides_that_do_not_fit_are_refused(din, tmp_path, names):
    with pytest.raises(ValueError, match="request_columns: expected some of"):
        export(din, tmp_path / "din", request_columns=names)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": {"nobody": Values()}}, r"values: expected columns of .*got \['nobody'\]"),
        ({"values": {"item_id": Values(known=list("abcdefg"))}}, "expected ids below 7, got 7"),
        ({"values": {"item_id": Values(known=["7", 7])}}, "expected each value once"),
        ({"values": {"item_id": Values(edges=range(7))}}, "expected ids below 7, got 8"),
        ({"side_by_side": [["history", "user_id"]]}, "side_by_side: expected groups of lists"),
        ({"calibration": [Sampling(0.1, "clicks")]}, "expected a binary task of the model"),
        ({"calibration": ["platt"]}, "expected Sampling, Platt or Curve"),
    ],
)
def test_what_the_model_does_not_have_is_refused(din, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        export(din, tmp_path / "din", small_shop.dataset(), **options)


def test_data_of_another_vocabulary_are_refused(din, tmp_path):
    grown = tuple(
        dataclasses.replace(column, vocabulary_size=9)
        if getattr(column, "table_name", "") == "item_id"
        else column
        for column in small_shop.COLUMNS
    )
    data = dataclasses.replace(small_shop.dataset(), feature_columns=grown)
    with pytest.raises(ValueError, match="expected the 7 ids that the model was built for, got 9"):
        export(din, tmp_path / "din", data)


def test_a_task_that_is_called_like_a_column_is_refused(din, tmp_path):
    model = keras.Model(din.input, {"item_id": din.output})
    with pytest.raises(ValueError, match=r"tasks: expected names that no column has, got \['item"):
        export(model, tmp_path / "din", request_columns=USER_SIDE)


def test_a_regression_stays_one(tmp_path):
    columns = [CategoricalColumn("user_id", 5), CategoricalColumn("item_id", 9, "item")]
    model = build_logistic_regression(columns, {"seconds": "regression"})
    model.get_layer("seconds").bias.assign(40.0)
    folder = export(model, tmp_path / "lr", onnx=False)
    assert description_of(folder)["tasks"] == {"seconds": "regression"}
    assert json.loads((folder / "golden.json").read_text())["answers"]["seconds"][0] == 40.0


def test_sessions_are_lists_of_lists_in_the_golden_request(tmp_path):
    columns = [
        CategoricalColumn("item_id", 9, "item"),
        SequenceColumn("history", 9, 6, table="item_id", num_sessions=2),
    ]
    folder = export(build_din(columns), tmp_path / "din", onnx=False)
    golden = json.loads((folder / "golden.json").read_text())
    history = golden["request"]["history"]
    assert all(isinstance(session, list) for session in history) and len(history) == 2
    flat = [*history[0], *[0] * (3 - len(history[0])), *history[1]]
    assert golden["features"]["history"][0][: len(flat)] == flat


@pytest.mark.parametrize("build", [build_gru, build_dien], ids=["gru", "dien"])
def test_a_recurrence_over_a_long_history_is_a_loop_in_the_file(build, tmp_path):
    import onnx

    steps = LONGEST_UNROLLED + 8
    columns = [
        CategoricalColumn("item_id", 9, "item"),
        SequenceColumn("history", 9, steps, table="item_id"),
    ]
    model = build(columns, embedding_dim=3, hidden_units=(4,))
    randomize(model, seed=1)
    graph = graphs.graphs_of(model, ["history"])["rows"]
    graphs.write_onnx(graph, tmp_path / "rows.onnx")
    nodes = onnx.load(tmp_path / "rows.onnx").graph.node
    assert "Loop" in {node.op_type for node in nodes}
    draw = np.random.default_rng(0)
    real = np.arange(steps) < np.array([0, 1, 17, steps])[:, None]
    features = {
        "item_id": np.array([1, 2, 3, 4], np.int32),
        "history": np.where(real, draw.integers(1, 9, (4, steps)), 0).astype(np.int32),
    }
    session = onnxruntime.InferenceSession(tmp_path / "rows.onnx")
    (found,) = session.run(["click"], features)
    np.testing.assert_allclose(found, predict(model, features)["click"], atol=1e-5)
    assert np.ptp(found) > 1e-3


def test_a_conversion_is_silent(din, tmp_path, capfd, recwarn):
    graphs.write_onnx(graphs.graphs_of(din, USER_SIDE)["request"], tmp_path / "request.onnx")
    assert capfd.readouterr() == ("", "")
    assert not [w for w in recwarn if issubclass(w.category, FutureWarning)]
