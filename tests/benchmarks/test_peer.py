"""The peer's models: the same rows by its names, and nothing of it is needed for the tests."""

import sys
import types

import numpy as np
import pytest

from benchmarks import exchange, inputs, peer
from recsys_lib.zoo import MODELS


@pytest.fixture
def columns(monkeypatch):
    """Stand-ins for the peer's feature columns, which keep their arguments."""
    module = types.ModuleType("deepctr.feature_column")

    def kind(name):
        def make(*args, **kwargs):
            return (name, args, kwargs)

        return make

    for name in ("SparseFeat", "VarLenSparseFeat", "DenseFeat"):
        setattr(module, name, kind(name))
    monkeypatch.setitem(sys.modules, "deepctr", types.ModuleType("deepctr"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_keys_are_those_of_the_zoo():
    assert set(peer.MODELS) < {model.key for model in MODELS}


def test_a_history_is_called_after_what_it_is_compared_with(columns, tmp_path):
    data = inputs.sequences(6, num_rows=40)
    exchange.write(data, tmp_path / "rows.npz")
    side = peer.Peer(tmp_path / "rows.npz")
    assert side.history == ["item_id"] and set(side.features) == {
        "item_id",
        "hist_item_id",
        "seq_length",
    }
    np.testing.assert_array_equal(side.features["seq_length"], 6)
    np.testing.assert_array_equal(side.features["hist_item_id"], data.train.features["history"])
    _, (field, length), options = next(c for c in side.columns if c[0] == "VarLenSparseFeat")
    assert field[1:] == (
        ("hist_item_id", 401),
        {"embedding_dim": 16, "embedding_name": "item_id"},
    )
    assert (length, options["length_name"]) == (6, "seq_length")
    np.testing.assert_array_equal(side.labels[0], data.train.labels["click"])


def test_lists_and_several_labels_come_as_they_are(columns, tmp_path):
    data = inputs.multi_task(num_rows=40)
    exchange.write(data, tmp_path / "rows.npz")
    side = peer.Peer(tmp_path / "rows.npz")
    assert side.tasks == ["like", "love"] and len(side.labels) == 2
    np.testing.assert_array_equal(side.features["genres"], data.train.features["genres"])
    fields = [args[0] for kind, args, _ in side.columns if kind == "VarLenSparseFeat"]
    assert [field[1][0] for field in fields] == ["genres", "hist_movie_id"]
    assert side.build("lr") == {"reason": "not the same model there"}
