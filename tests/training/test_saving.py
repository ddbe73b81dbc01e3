"""Saving and loading: the same bits in another process, files of earlier versions, bad files."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tiny

import recsys_lib
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.layers.network_stack import Gates
from recsys_lib.multi_task import build_mmoe
from recsys_lib.sequence import build_dien, build_din
from recsys_lib.training import load, predict, rank, save
from recsys_lib.training.trainer import Trainer

# Where layers were defined in the first edition.
MOVED = {
    "recsys_lib.layers.blocks": "recsys_lib.features.blocks",
    "recsys_lib.layers.heads": "recsys_lib.features.blocks",
    "recsys_lib.layers.network_stack": "recsys_lib.multi_task.experts",
    "recsys_lib.sequence.parts": "recsys_lib.sequence.attention",
}


@pytest.fixture(scope="module")
def model():
    model = tiny.build_large(tasks=("like", "share"), dropout_rate=0.5, batch_normalization=True)
    return tiny.randomize(model)


def in_another_process(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr


def rewritten(path, change, without=()):
    """Change the text of a file's configuration, and leave entries out."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name not in without}
    entries["config.json"] = change(entries["config.json"].decode()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def of_the_first_edition(config):
    for new, old in MOVED.items():
        config = config.replace(f'"{new}"', f'"{old}"')
    return config


def of_modules_that_are_gone(config):
    return re.sub(r'"recsys_lib\.[a-z0-9_.]+"', '"recsys_lib.features.gone"', config)


LOAD_AND_PREDICT = """
import sys, numpy as np
from recsys_lib.training import load, predict
for path, data, result in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):
    np.savez(result, **predict(load(path), dict(np.load(data))))
"""


def test_another_process_that_imports_training_alone_loads_the_same_bits(model, tmp_path):
    path, data, result = tmp_path / "new" / "model.keras", tmp_path / "d.npz", tmp_path / "r.npz"
    save(model, path)
    features = tiny.make_features(tiny.COLUMNS, 40, np.random.default_rng(0))
    np.savez(data, **features)
    in_another_process(LOAD_AND_PREDICT, path, data, result)
    with np.load(result) as found:
        for task, values in predict(model, features).items():
            np.testing.assert_array_equal(found[task], values)
    assert os.listdir(tmp_path / "new") == ["model.keras"]


def test_files_that_name_the_modules_of_the_first_edition_load(tmp_path):
    """In a process that knows no layer yet: nothing but the file says what to import."""
    models = {
        "din": build_din(tiny.COLUMNS, embedding_dim=4),
        "dien": build_dien(tiny.COLUMNS, embedding_dim=4),
        "mmoe": build_mmoe(tiny.COLUMNS, ("like", "share"), embedding_dim=4),
    }
    features = tiny.make_features(tiny.COLUMNS, 6, np.random.default_rng(2))
    arguments, old_names = [], set()
    for name, model in models.items():
        tiny.randomize(model)
        path, data = tmp_path / f"{name}.keras", tmp_path / f"{name}_data.npz"
        save(model, path)
        rewritten(path, of_the_first_edition, without=["recsys_lib.json"])
        config = zipfile.ZipFile(path).read("config.json").decode()
        old_names |= {old for old in MOVED.values() if f'"{old}"' in config}
        np.savez(data, **{tensor.name: features[tensor.name] for tensor in model.inputs})
        arguments += [path, data, tmp_path / f"{name}_result.npz"]
    assert old_names == set(MOVED.values())
    in_another_process(LOAD_AND_PREDICT, *arguments)
    for name, model in models.items():
        with np.load(tmp_path / f"{name}_result.npz") as found:
            for task, values in predict(model, features).items():
                np.testing.assert_array_equal(found[task], values)


def test_layers_are_found_wherever_they_are_defined_now(tmp_path, monkeypatch):
    """No module that the file names exists any more, and the process does not know the layer."""
    path, home = tmp_path / "model.keras", sys.modules[Gates.__module__]
    save(build_mmoe(tiny.COLUMNS, ("like", "share"), embedding_dim=4), path)
    rewritten(path, of_modules_that_are_gone)
    known = keras.saving.get_custom_objects()
    for name in [name for name, kind in known.items() if kind.__module__ == Gates.__module__]:
        monkeypatch.delitem(known, name)
    monkeypatch.delitem(sys.modules, Gates.__module__)
    monkeypatch.setattr(recsys_lib.layers, "network_stack", home)  # restored when all is over
    gates = load(path).get_layer("gates")
    assert (type(gates).__module__, type(gates).__name__) == (Gates.__module__, "Gates")


def saved(tmp_path):
    path = tmp_path / "model.keras"
    save(tiny.build_small(), path)
    return path


def test_a_file_says_which_version_wrote_it(tmp_path):
    with zipfile.ZipFile(saved(tmp_path)) as archive:
        note = json.loads(archive.read("recsys_lib.json"))
    assert note == {"version": recsys_lib.__version__}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("recsys_lib>MLP", "recsys_lib>MiniBatchAwareL2"),
            "its layer 'MiniBatchAwareL2' is gone: its penalty is now an option",
        ),
        (("recsys_lib>MLP", "recsys_lib>NoSuchLayer"), "its layer 'NoSuchLayer' is gone: no layer"),
        (("hidden_units", "no_such"), "cannot be loaded: MLP.* missing .*: 'hidden_units'"),
        (
            ('"embedding_dim": 4', '"embedding_dim": 5'),
            r"cannot be loaded: <FusedEmbedding name=embedding.* variable.shape=\(50, 5\)",
        ),
    ],
)
def test_what_this_version_cannot_load_is_said_in_one_line_with_both_versions(
    change, message, tmp_path, monkeypatch
):
    monkeypatch.setattr(recsys_lib, "__version__", "0.0.7")
    path = saved(tmp_path)
    monkeypatch.setattr(recsys_lib, "__version__", "9.1")
    rewritten(path, lambda config: config.replace(*change))
    with pytest.raises(ValueError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path} (saved by recsys_lib 0.0.7; this is 9.1)")
    assert "\n" not in str(caught.value)
    rewritten(path, lambda config: config, without=["recsys_lib.json"])
    with pytest.raises(ValueError, match=r"of an early version, which left no note; this is 9\.1"):
        load(path)


def test_a_loaded_model_can_be_exported(model, tmp_path):
    save(model, tmp_path / "model.keras")
    loaded = load(tmp_path / "model.keras")
    # Keras exports to ONNX only what was called before; the converter need not be installed here.
    with contextlib.suppress(ImportError):
        loaded.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    loaded.export(tmp_path / "served", verbose=False)
    assert (tmp_path / "served" / "saved_model.pb").exists()


def test_a_loaded_model_ranks_and_trains_on(tmp_path):
    model = tiny.randomize(tiny.build_small())
    path = tmp_path / "model.keras"
    save(model, path)
    loaded = load(path)
    user, candidates = {"user_id": 3}, {"movie_id": [1, 5, 2]}
    first, second = (rank(m, user, candidates) for m in (model, loaded))
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.order, second.order)
    data = tiny.make_dataset(tiny.SMALL)
    for each in (model, loaded):
        Trainer(each, data).fit(data, epochs=1, patience=None)
    tiny.assert_same_bits(tiny.weights_of(model), tiny.weights_of(loaded))


def test_a_save_that_fails_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch):
    model = tiny.build_small()
    path = tmp_path / "model.keras"
    save(model, path)
    good = path.read_bytes()

    def full_disk(self, path, **options):
        pathlib.Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save(model, path)
    assert path.read_bytes() == good
    assert os.listdir(tmp_path) == ["model.keras"]


def test_bad_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"path: expected a name that ends in '.keras', got"):
        save(tiny.build_small(), tmp_path / "model.h5")
    with pytest.raises(ValueError, match="model: expected a Keras model, got str 'model'"):
        save("model", tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"model.keras: no such file"):
        load(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="no such file"):
        load(tmp_path)
    for content in (b"", b"no model at all", b"PK\x03\x04half a zip"):
        (tmp_path / "model.keras").write_bytes(content)
        with pytest.raises(ValueError, match=r"model\.keras: not a readable model"):
            load(tmp_path / "model.keras")


def test_ids_beyond_the_vocabulary_are_refused_by_a_loaded_model_too(tmp_path):
    """A fused table would silently read the next column's rows."""
    columns = (CategoricalColumn("user_id", 4, group="user"), CategoricalColumn("movie_id", 9))
    save(tiny.build_small(columns), tmp_path / "model.keras")
    features = {"user_id": np.array([4]), "movie_id": np.array([1])}
    with pytest.raises(ValueError, match="'user_id': expected ids from 0 to 3, got 4"):
        predict(load(tmp_path / "model.keras"), features)
