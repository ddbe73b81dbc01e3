"""What ``export`` writes, refuses and checks, and what ``verify`` finds."""

import json
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import small_shop
from small_shop import USER_SIDE, description_of

from recsys_lib.training import predict, rank
from recsys_pipeline.export import Replay, Sampling, export, verify, verifying
from recsys_pipeline.export.replay import ENGINES, Different, checksum_of, read_description


@pytest.fixture(scope="module")
def din():
    return small_shop.din()


@pytest.fixture(scope="module")
def exported(din, tmp_path_factory):
    """One export for all tests that leave it alone."""
    return export(din, tmp_path_factory.mktemp("exports") / "din", small_shop.dataset())


@pytest.fixture
def copy(exported, tmp_path):
    """An export of the test's own."""
    return shutil.copytree(exported, tmp_path / "copy")


def raw_rows(rows=12, seed=7):
    """Ids of rows of the shop and the raw values behind them."""
    features = small_shop.features(rows, seed)

    def known(names, ids):
        return [names[number - 1].item() for number in np.atleast_1d(ids) if number]

    items, kinds = small_shop.ITEMS, small_shop.CATEGORIES
    raw = {
        "user_id": [known(small_shop.USERS, number)[0] for number in features["user_id"]],
        "item_id": [known(items, number)[0] for number in features["item_id"]],
        "category": [known(kinds, number)[0] for number in features["category"]],
        "price": features["price"].tolist(),
        "place": features["place"].tolist(),
        "history": [known(items, ids) for ids in features["history"]],
        "history_category": [known(kinds, ids) for ids in features["history_category"]],
    }
    return features, raw


def test_the_folder_holds_both_formats_a_description_and_a_script(exported):
    assert sorted(path.name for path in exported.iterdir()) == [
        "description.json",
        "golden.json",
        "request.onnx",
        "rows.onnx",
        "saved_model",
        "verify.py",
    ]


def test_raw_rows_become_what_training_read(exported):
    features, raw = raw_rows()
    found = Replay(exported).encode.rows(raw)
    for name, expected in features.items():
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_request_with_raw_values_scores_like_rank(din, exported, engine):
    features, raw = raw_rows()
    replay = Replay(exported, engine)
    for row in (0, 3):
        user = {name: raw[name][row] for name in USER_SIDE}
        candidates = {name: values for name, values in raw.items() if name not in USER_SIDE}
        scores = replay.scores(*replay.encode(user, candidates))
        expected = rank(
            din,
            {name: features[name][row] for name in USER_SIDE},
            {name: values for name, values in features.items() if name not in USER_SIDE},
        )
        np.testing.assert_allclose(scores["click"], expected.scores, atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_outputs_are_named_by_task_in_files_too(tmp_path, engine):
    model = small_shop.mmoe()
    folder = export(model, tmp_path / "mmoe", small_shop.dataset(small_shop.TASKS))
    replay = Replay(folder, engine)
    features = {name: small_shop.features(9, 1)[name] for name in replay.encode.columns}
    found = replay.run["rows"](features)
    expected = predict(model, features)
    assert set(found) == set(expected) == set(small_shop.TASKS)
    for task in small_shop.TASKS:
        np.testing.assert_allclose(found[task], expected[task], atol=1e-5)
    assert np.abs(expected["zeta"] - expected["alpha"]).max() > 1e-3
    assert description_of(folder)["tasks"] == {"zeta": "binary", "alpha": "binary"}


def test_the_signatures_are_those_of_the_columns(exported):
    import tensorflow as tf

    signatures = tf.saved_model.load(str(exported / "saved_model")).signatures
    assert set(signatures) == {"rows", "request"}
    for name in ("rows", "request"):
        specs = signatures[name].structured_input_signature[1]
        session = onnxruntime.InferenceSession(exported / f"{name}.onnx")
        shapes = {one.name: one.shape for one in session.get_inputs()}
        assert set(specs) == set(shapes) == {column.name for column in small_shop.COLUMNS}
        for column in specs:
            once = name == "request" and column in USER_SIDE
            assert specs[column].shape[0] == (1 if once else None)
            assert (shapes[column][0] == 1) == once
        assert [one.name for one in session.get_outputs()] == ["click"]
        assert set(signatures[name].structured_outputs) == {"click"}


def test_the_golden_request_holds_unknown_values_and_the_models_scores(din, exported):
    golden = json.loads((exported / "golden.json").read_text())
    features = {name: np.array(values) for name, values in golden["features"].items()}
    count = len(features["item_id"])
    assert golden["candidates"]["item_id"][-1] not in small_shop.ITEMS
    assert features["item_id"][-1] == features["category"][-1] == 0
    assert len(golden["request"]["history"]) == small_shop.STEPS
    tiled = {n: np.repeat(a, count, 0) if len(a) == 1 else a for n, a in features.items()}
    expected = predict(din, tiled)["click"]
    np.testing.assert_allclose(golden["scores"]["click"], expected, atol=1e-7)
    assert np.ptp(expected) > 1e-3


def test_the_description_says_how_it_was_made(exported):
    description = description_of(exported)
    assert {"recsys_lib", "python", "keras", "numpy", "tf2onnx"} <= set(description["versions"])
    assert description["request"] == [c.name for c in small_shop.COLUMNS if c.name in USER_SIDE]
    assert description["side_by_side"] == [["history", "history_category"]]
    assert description["checksum"] == checksum_of(description)
    by_name = {spec["name"]: spec for spec in description["columns"]}
    assert by_name["item_id"]["values"]["known"] == small_shop.ITEMS.tolist()
    # A column that shares the table of another one is read like it.
    assert by_name["history"]["values"]["known"] == small_shop.ITEMS.tolist()
    assert by_name["history_category"]["values"]["known"] == ["10", "20", "30"]


def test_lists_that_do_not_end_together_are_no_pair(din, tmp_path):
    data = small_shop.dataset()
    data.test.features["history_category"][:, 1:] = 0
    folder = export(din, tmp_path / "din", data, onnx=False)
    assert description_of(folder)["side_by_side"] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_verify_runs_without_the_library(exported, engine):
    said = verify(exported, engine)
    assert f"as exported, with {engine}" in said and "rows" in said


def test_the_script_needs_neither_the_library_nor_keras(exported):
    code = (
        "import runpy, sys\n"
        "for name in ('recsys_lib', 'keras', 'tensorflow', 'pandas', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        f"sys.argv = ['verify.py']; runpy.run_path({str(exported / 'verify.py')!r}, "
        "run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "as exported, with onnx" in done.stdout


def test_a_process_is_really_without_the_library():
    code = verifying._WITHOUT_LIBRARY.replace(
        "runpy.run_path(sys.argv[0], run_name='__main__')", "import recsys_lib"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert "ModuleNotFoundError" in done.stderr


def test_a_folder_without_the_script_is_no_export(tmp_path):
    with pytest.raises(ValueError, match="expected what `export` wrote"):
        verify(tmp_path)


@pytest.mark.parametrize("name", ["golden.json", "rows.onnx", "saved_model/saved_model.pb"])
def test_a_file_that_was_changed_is_found(copy, name):
    with open(copy / name, "ab") as file:
        file.write(b"\n")
    with pytest.raises(ValueError, match="expected the file that was exported, got another"):
        verify(copy)


def test_a_file_that_is_gone_is_found(copy):
    (copy / "rows.onnx").unlink()
    with pytest.raises(ValueError, match=r"rows\.onnx: no such file"):
        verify(copy)


def test_a_description_that_was_changed_is_found(copy):
    description = description_of(copy)
    known = next(s for s in description["columns"] if s["name"] == "item_id")["values"]["known"]
    known[0], known[1] = known[1], known[0]
    (copy / "description.json").write_text(json.dumps(description))
    with pytest.raises(Different, match="expected the checksum"):
        read_description(copy)


def rewritten(folder, change, golden=False):
    """The export with another description or golden request, and digests that say it is right."""
    from recsys_pipeline.export.replay import digest

    description = description_of(folder)
    if golden:
        content = json.loads((folder / "golden.json").read_text())
        change(content)
        (folder / "golden.json").write_text(json.dumps(content))
        description["files"]["golden.json"] = digest(folder / "golden.json")
    else:
        change(description)
    description["checksum"] = checksum_of(description)
    (folder / "description.json").write_text(json.dumps(description))
    return folder


@pytest.mark.parametrize("engine", ENGINES)
def test_a_score_that_moved_is_found(copy, engine):
    def change(golden):
        golden["scores"]["click"][3] += 3e-5

    with pytest.raises(Different, match=r"rows, 'click': candidate 3: expected 0\.\d+, got 0"):
        Replay(rewritten(copy, change, golden=True), engine).verify()


def test_an_encoding_that_moved_is_found(copy):
    def change(description):
        spec = next(s for s in description["columns"] if s["name"] == "item_id")
        spec["values"]["known"].reverse()

    with pytest.raises(Different, match="golden request, 'item_id': expected"):
        Replay(rewritten(copy, change)).verify()


def test_a_calibration_that_moved_is_found(copy):
    def change(description):
        description["calibration"] = [{"kind": "platt", "task": "click", "slope": 1.001}]
        description["calibration"][0]["intercept"] = 0.0

    with pytest.raises(Different, match="calibration of 'click': candidate"):
        Replay(rewritten(copy, change)).verify()


def test_calibration_stands_between_scores_and_answers(tmp_path):
    model = small_shop.mmoe()
    data = small_shop.dataset(small_shop.TASKS)
    steps = [Sampling(0.2, "zeta", following=["alpha"])]
    folder = export(model, tmp_path / "mmoe", data, calibration=steps, onnx=False)
    golden = json.loads((folder / "golden.json").read_text())
    q, r = (np.array(golden["scores"][task]) for task in small_shop.TASKS)
    np.testing.assert_allclose(golden["answers"]["zeta"], q / (q + (1 - q) / 0.2))
    np.testing.assert_allclose(golden["answers"]["alpha"], r / (q + (1 - q) / 0.2))
    replay = Replay(folder, "tensorflow")
    scores = replay.scores(*replay.encode(golden["request"], golden["candidates"]))
    np.testing.assert_allclose(scores["alpha"], golden["answers"]["alpha"], atol=1e-5)
