"""What the models of the chapter have in common: fields to cross, a linear term, no loops."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize
from tiny_crosses import COLUMNS, FEATURES, NUM_ROWS, WIDTH

from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.second_order import (
    build_afm,
    build_deepfm,
    build_ffm,
    build_fibinet,
    build_fm,
    build_fmfm,
    build_fwfm,
    build_nfm,
    build_pnn,
    build_polynomial,
)
from recsys_lib.second_order.afm import PairAttention, WeightedSum
from recsys_lib.second_order.ffm import FieldAwareProduct
from recsys_lib.second_order.fibinet import BilinearInteraction, FieldWeights
from recsys_lib.second_order.fm import FactorizationMachine
from recsys_lib.second_order.fmfm import FieldMatrices
from recsys_lib.second_order.fwfm import PairWeights
from recsys_lib.second_order.interactions import (
    BiInteraction,
    PairwiseInnerProduct,
    PairwiseProduct,
)
from recsys_lib.second_order.pnn import (
    InnerProductSignal,
    OuterProductSignal,
    PairwiseKernelProduct,
)

_deep = {"embedding_dim": WIDTH, "hidden_units": (6, 3)}
CROSSING = {
    "fm": functools.partial(build_fm, embedding_dim=WIDTH),
    "fwfm": functools.partial(build_fwfm, embedding_dim=WIDTH),
    "afm": functools.partial(build_afm, embedding_dim=WIDTH, attention_dim=3),
    "nfm": functools.partial(build_nfm, **_deep),
    "ipnn": functools.partial(build_pnn, **_deep),
    "pnn": functools.partial(build_pnn, **_deep, products="both"),
    "pnn_pairs": functools.partial(build_pnn, **_deep, products="both", signals="pairs"),
    "fibinet_all": functools.partial(build_fibinet, **_deep, bilinear="all"),
    "fibinet_each": functools.partial(build_fibinet, **_deep, bilinear="each"),
    "fibinet": functools.partial(build_fibinet, **_deep, senet_activation="sigmoid"),
    "deepfm": functools.partial(build_deepfm, **_deep),
    "fmfm": functools.partial(build_fmfm, embedding_dim=WIDTH),
    "fvfm": functools.partial(build_fmfm, embedding_dim=WIDTH, matrices="diagonal"),
    "ffm": functools.partial(build_ffm, embedding_dim=WIDTH),
    "deepfm_two_tables": functools.partial(build_deepfm, **_deep, shared_embedding=False),
}
MODELS = {**CROSSING, "polynomial": build_polynomial}
WITHOUT_LINEAR_TERM = ("ipnn", "pnn", "pnn_pairs")


@pytest.fixture(params=MODELS)
def model(request):
    return randomize(MODELS[request.param](COLUMNS), scale=0.3)


def test_a_probability_per_row(model):
    probabilities = np.asarray(model(FEATURES))
    assert probabilities.shape == (NUM_ROWS,)
    assert (probabilities > 0).all() and (probabilities < 1).all()
    assert {tensor.name for tensor in model.inputs} == {column.name for column in COLUMNS}


def test_gradients_reach_every_trainable_weight(model):
    assert len(model.trainable_variables) == len({v.path for v in model.trainable_variables})
    with tf.GradientTape() as tape:
        probabilities = model(FEATURES, training=True)
        loss = tf.reduce_sum(tf.sin(5.0 * probabilities) * np.arange(1.0, NUM_ROWS + 1))
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(gradient).all(), variable.path
        # Batch normalization takes a bias before it out again.
        if "nfm_hidden" not in variable.path or not variable.path.endswith("/bias"):
            assert np.abs(gradient).max() > 0, variable.path


def test_nothing_but_moving_statistics_is_left_untrained(model):
    for variable in model.non_trainable_variables:
        assert "moving_" in variable.path or "seed" in variable.path, variable.path


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(WITHOUT_LINEAR_TERM)))
def test_with_embeddings_at_zero_the_linear_term_still_learns(name):
    model = MODELS[name](COLUMNS)
    for layer in model.layers:
        if layer.name.endswith(("embedding", "embedding_numeric")):
            layer.set_weights([np.zeros(w.shape) for w in layer.weights])
    linear = next(layer for layer in model.layers if layer.name in ("linear", "wide_linear"))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(FEATURES))
    gradient = tf.convert_to_tensor(tape.gradient(loss, linear.trainable_variables[0])).numpy()
    start = linear.rows_of("user_id").start
    assert np.abs(gradient[start + 1]) > 0.1  # user 1 occurs
    assert gradient[start + 4] == 0  # user 4 does not


@pytest.mark.parametrize("name", WITHOUT_LINEAR_TERM)
def test_product_networks_have_no_linear_term_of_their_own(name):
    assert "linear" not in {layer.name for layer in MODELS[name](COLUMNS).layers}


@pytest.mark.parametrize("name", MODELS)
def test_the_output_is_named_after_the_task(name):
    model = MODELS[name](COLUMNS, tasks="like")
    assert list(model.output_names) == ["like"]


@pytest.mark.parametrize("name", CROSSING)
def test_a_single_field_is_refused(name):
    with pytest.raises(ValueError, match="expected at least 2 fields, got 1"):
        CROSSING[name]((CategoricalColumn("user_id", 5),))


@pytest.mark.parametrize("name", CROSSING)
def test_a_column_of_another_width_is_refused(name):
    columns = (CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 5, embedding_dim=7))
    with pytest.raises(ValueError, match="'movie_id': crossing fields needs one width, expected"):
        CROSSING[name](columns)


@pytest.mark.parametrize("name", CROSSING)
@pytest.mark.parametrize(
    "columns",
    [
        (CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 5)),
        (NumericColumn("price", 2), NumericColumn("age")),
    ],
    ids=["ids", "numbers"],
)
def test_ids_alone_and_numbers_alone_can_be_crossed(name, columns):
    model = CROSSING[name](columns)
    features = {
        column.name: np.ones((3, *column.input_shape), model.inputs[position].dtype)
        for position, column in enumerate(columns)
    }
    assert model(features).shape == (3,)


def operations(layer, num_fields, width=36):
    """Operations in the traced forward pass of a layer; FFM's width is a multiple of its fields."""
    fields = tf.TensorSpec((None, num_fields, width))
    pairs = tf.TensorSpec((None, num_fields * (num_fields - 1) // 2, width))
    weights = tf.TensorSpec(pairs.shape[:2])
    signature = {PairAttention: (fields, pairs), WeightedSum: (weights, pairs)}
    signature = signature.get(type(layer), (weights if type(layer) is PairWeights else fields,))
    layer(*(np.ones([2 if n is None else n for n in spec.shape], "f4") for spec in signature))
    traced = tf.function(layer.__call__).get_concrete_function(*signature)
    return len(traced.graph.get_operations())


@pytest.mark.parametrize(
    "build",
    [
        PairwiseProduct,
        PairwiseInnerProduct,
        BiInteraction,
        FactorizationMachine,
        PairWeights,
        PairAttention,
        WeightedSum,
        FieldWeights,
        functools.partial(BilinearInteraction, "all"),
        functools.partial(FieldMatrices, "diagonal"),
        FieldAwareProduct,
        functools.partial(InnerProductSignal, 4),
        functools.partial(OuterProductSignal, 4),
    ],
)
def test_no_forward_pass_loops_over_fields_or_pairs(build):
    assert operations(build(), 3) == operations(build(), 9)


@pytest.mark.parametrize(
    "build",
    [
        PairwiseKernelProduct,
        BilinearInteraction,
        functools.partial(BilinearInteraction, "each"),
        FieldMatrices,
    ],
)
def test_a_matrix_for_each_pair_takes_one_product_for_each_field_and_none_for_a_pair(build):
    # One batched product of small matrices trains FiBiNET and PNN a sixth to a third slower.
    three, six, nine = (operations(build(), num_fields) for num_fields in (3, 6, 9))
    assert 0 < six - three == nine - six <= 8 * 3


@pytest.mark.parametrize("layer", [InnerProductSignal, OuterProductSignal])
def test_no_forward_pass_loops_over_units(layer):
    assert operations(layer(2), 4) == operations(layer(9), 4)


def test_layers_come_back_from_their_configuration():
    layers = [
        PairAttention(5, 0.1),
        FieldWeights(4, "sigmoid"),
        BilinearInteraction("each"),
        FieldMatrices("diagonal"),
        InnerProductSignal(7),
        OuterProductSignal(8),
    ]
    for layer in layers:
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert twin.get_config() == layer.get_config()
