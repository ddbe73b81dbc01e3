"""The shared options of builders: seen by name, filled in, refused where there is no such one."""

import inspect
from typing import Unpack

import keras
import numpy as np
import pytest

from recsys_lib.features.columns import CategoricalColumn, EmbeddingL2, check_columns
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.options import (
    Configured,
    DeepOptions,
    options_for,
    shared_options,
    tables,
)
from recsys_lib.second_order import build_deepfm

USER, ITEM = CategoricalColumn("user_id", 4), CategoricalColumn("item_id", 5)


@shared_options(activation="dice")
def build(feature_columns, tasks="click", *, rank=8, **common: Unpack[DeepOptions]):
    """What the body of a builder is given."""
    return feature_columns, tasks, rank, common


def test_the_signature_holds_every_option_by_name():
    parameters = inspect.signature(build).parameters
    assert {name: parameter.default for name, parameter in parameters.items()} == {
        "feature_columns": inspect.Parameter.empty,
        "tasks": "click",
        "rank": 8,
        "embedding_dim": 16,
        "embeddings_initializer": None,
        "embedding_l2": 0.0,
        "activation": "dice",
        "dropout_rate": 0.0,
        "batch_normalization": False,
        "hidden_units": (64, 32),
    }
    kinds = [parameter.kind for parameter in list(parameters.values())[2:]]
    assert set(kinds) == {inspect.Parameter.KEYWORD_ONLY}
    assert parameters["embedding_dim"].annotation is int
    assert inspect.getsource(build).startswith('@shared_options(activation="dice")')


def test_the_body_is_given_all_of_them_and_each_call_its_own():
    columns, tasks, rank, common = build([USER], "like", rank=2, embedding_dim=4)
    assert (columns, tasks, rank) == (check_columns([USER]), "like", 2)
    assert check_columns(columns) is columns
    assert set(common) == set(DeepOptions.__annotations__)
    assert (common["embedding_dim"], common["activation"]) == (4, "dice")
    assert build([USER])[3]["embedding_dim"] == 16


def test_a_name_that_is_no_option_is_refused_as_python_does():
    with pytest.raises(TypeError, match=r"build\(\) got an unexpected .* 'embeding_dim'"):
        build([USER], embeding_dim=4)
    with pytest.raises(TypeError, match="positional"):
        build([USER], "click", 4)
    with pytest.raises(TypeError, match=r"shared_options.* 'activatoin'"):
        shared_options(activatoin="dice")(build.__wrapped__)


def test_each_receiver_gets_its_own_options():
    common = build([USER], dropout_rate=0.5)[3]
    assert options_for(MLP, common) == {
        "hidden_units": (64, 32),
        "activation": "dice",
        "dropout_rate": 0.5,
        "batch_normalization": False,
    }
    assert options_for(lambda embedding_dim, rank: None, common) == {"embedding_dim": 16}


def test_the_penalty_of_the_tables_is_checked_against_all_columns():
    common = build([USER], embedding_l2=EmbeddingL2(0.5, id_counts={"user_id": np.ones(4)}))[3]
    assert tables([USER, ITEM], common)["l2"] is common["embedding_l2"]
    with pytest.raises(ValueError, match=r"id_counts: expected tables of \['item_id'\]"):
        tables([ITEM], common)


class Narrow(Configured):
    def __init__(self, widths=(3, 2), activation="relu", rank=None, **kwargs):
        super().__init__(**kwargs)
        self.widths, self.rank = widths, rank
        self.activation = keras.activations.get(activation)


class AsNarrow(Narrow):
    """Has no ``__init__`` of its own."""


@pytest.mark.parametrize("layer_class", [Narrow, AsNarrow])
def test_a_configuration_holds_the_arguments_in_their_order(layer_class):
    config = layer_class((4,), "tanh", name="x", dtype="float32").get_config()
    own = {"widths": [4], "activation": "tanh", "rank": None}
    assert list(config)[-3:] == list(own)
    assert {name: config.pop(name) for name in own} == own
    assert config.keys() == {"name", "trainable", "dtype"}
    assert layer_class.from_config(config | own).get_config() == config | own


@pytest.mark.parametrize("task", ["linear", "item_id"])
def test_a_task_that_is_called_like_a_layer_is_named(task):
    message = f'build_deepfm: expected a task and columns without the name of a layer, got "{task}"'
    with pytest.raises(ValueError, match=message):
        build_deepfm([USER, ITEM], task)


def test_a_task_is_no_path():
    with pytest.raises(ValueError, match=r"tasks: expected names without '/', got 'a/b'"):
        build_deepfm([USER, ITEM], "a/b")
