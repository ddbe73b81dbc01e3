"""``rank`` divides layers between request and candidates, and the scores stay those of the rows."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from reference import randomize

from recsys_lib.features.columns import CategoricalColumn, NumericColumn, SequenceColumn
from recsys_lib.features.embedding import FusedEmbedding, build_inputs, embed_groups
from recsys_lib.layers.activations import Dice
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.memorization import build_deep, build_logistic_regression
from recsys_lib.multi_task import build_mmoe
from recsys_lib.one_request.division import DIVISIONS
from recsys_lib.second_order import build_deepfm
from recsys_lib.sequence import build_dien, build_din, build_dsin
from recsys_lib.sequence.din import ActivationUnit
from recsys_lib.training import predict, rank
from recsys_lib.training.serving import rank_ways
from recsys_lib.zoo import of_chapter

STEPS, NUM_CANDIDATES = 6, 9
COLUMNS = (
    CategoricalColumn("user_id", 7, group="user"),
    CategoricalColumn("city", 4, group="user"),
    CategoricalColumn("item_id", 12, group="item"),
    SequenceColumn("genres", 5, 2, group="item", ordered=False),
    SequenceColumn("history", 12, STEPS, table="item_id"),
    SequenceColumn("history_age", 9, STEPS),
    NumericColumn("price", group="item"),
    NumericColumn("weather", 2, group="context"),
)
OF_ITEM = ("item_id", "genres", "price")
OF_USER = tuple(column.name for column in COLUMNS if column.name not in OF_ITEM)


def rows(length, seed=0):
    """Candidates of one request beside the request's values; its history has ``length`` steps."""
    rng = np.random.default_rng([seed, length])
    features = {}
    for column in COLUMNS:
        shape = (NUM_CANDIDATES, *column.input_shape)
        if isinstance(column, NumericColumn):
            features[column.name] = rng.normal(size=shape).astype(np.float32)
            continue
        ids = rng.integers(1, column.vocabulary_size, shape, np.int32)
        if column.name.startswith("history"):
            ids[:, length:] = 0
        features[column.name] = ids
    for name in OF_USER:
        features[name][:] = features[name][:1]
    return features


def randomized(model, seed=1):
    """Random weights, and for Dice random moments, so that each of them matters."""
    randomize(model, seed)
    rng = np.random.default_rng(seed)
    for variable in model.non_trainable_variables:
        if "moving" in variable.path:
            variable.assign(rng.uniform(0.3, 1.5, variable.shape))
    return model


def scores(model, features, of_user=OF_USER, **how):
    names = [tensor.name for tensor in model.inputs]
    user = {name: features[name][0] for name in names if name in of_user}
    candidates = {name: features[name] for name in names if name not in of_user}
    return rank(model, user, candidates, **how).scores


def assert_ranks_like_rows(model, features, of_user=OF_USER, **how):
    found, expected = scores(model, features, of_user, **how), predict(model, features)
    task = how.get("task", next(iter(expected)))
    assert np.ptp(expected[task]) > 1e-3
    np.testing.assert_allclose(found, expected[task], rtol=0, atol=1e-6)


VARIANTS = {
    "dice": {},
    "one layer": {"attention_units": (5,)},
    "relu": {"attention_activation": "relu"},
    "prelu": {"attention_activation": "prelu"},
    "softmax": {"scale": "softmax"},
    "length": {"scale": "length"},
    "batch normalization": {"scale": "batch_normalization"},
    "product": {"product": True},
    "product and scale": {"scale": "batch_normalization", "product": True, "recency": True},
    "recency": {"recency": True},
    "context": {"step_context": ("history_age",), "recency": True},
    "normalised": {"batch_normalization": True, "dropout_rate": 0.5},
    "linear head": {"hidden_units": ()},
    "outer": {"unit_inputs": "outer"},
}


def din(**options):
    options = {"embedding_dim": 4, "attention_units": (6, 5), "hidden_units": (8,), **options}
    return randomized(build_din(COLUMNS, **options))


@pytest.mark.parametrize("variant", VARIANTS)
def test_din_scores_one_history_for_many_candidates_as_it_scores_rows(variant):
    model = din(**VARIANTS[variant])
    for length in (STEPS, 3, 1):
        assert_ranks_like_rows(model, rows(length))


@pytest.mark.parametrize(
    "variant", ["dice", "relu", "softmax", "context", "length", "product and scale"]
)
def test_an_empty_history_is_divided_too(variant):
    model = din(**VARIANTS[variant])
    features = rows(0)
    np.testing.assert_allclose(
        scores(model, features), predict(model, features)["click"], atol=1e-6
    )


def graph_of(model, of_user=OF_USER):
    """Shapes in the graph that ``rank`` traces, without those of the weights."""
    scores(model, rows(STEPS), of_user)
    from recsys_lib.training import serving

    (ranker,) = serving._RANKERS[model].values()
    (graph,) = [cell.cell_contents.graph for cell in ranker.__closure__ if _is_concrete(cell)]
    return [tuple(t.shape) for operation in graph.get_operations() for t in operation.outputs]


def _is_concrete(cell):
    return isinstance(cell.cell_contents, tf.types.experimental.ConcreteFunction)


def test_the_unit_lays_no_four_vectors_side_by_side_for_each_pair():
    width = 4
    assert (None, STEPS, 4 * width) not in graph_of(din())
    outer = graph_of(din(unit_inputs="outer"))
    assert (None, STEPS, 2 * width + width**2) in outer


def test_ways_of_din():
    ways = rank_ways(din(), [name for name in OF_USER if name != "history_age"])
    assert ways["behaviours"] == ways["behaviour_mask"] == "request"
    for name in ("embedding", "din_weights", "din_interest", "deep"):
        assert ways[name] == "divided", name
    assert ways["candidate"] == ways["deep_logit"] == "candidates"
    of_user = [name for name in OF_USER if name != "history_age"]
    for scale in ("length", "softmax", "batch_normalization"):
        scaled = rank_ways(din(scale=scale, product=True), of_user)
        for name in ("din_weights", "din_interest", "deep"):
            assert scaled[name] == "divided", (scale, name)
    outer = rank_ways(din(unit_inputs="outer"), [n for n in OF_USER if n != "history_age"])
    assert outer["din_weights"] == "candidates"


def test_the_unit_does_not_divide_where_each_candidate_has_a_history():
    model = din()
    features = rows(STEPS)
    features["history"] = np.random.default_rng(3).integers(1, 12, (NUM_CANDIDATES, STEPS))
    of_user = [name for name in OF_USER if name != "history"]
    assert_ranks_like_rows(model, features, of_user)
    assert rank_ways(model, ["user_id", "city", "weather"])["din_weights"] == "candidates"
    aged = din(step_context=("history_age",))
    for name, other in (("history", "history_age"), ("history_age", "history")):
        features = rows(STEPS)
        features[name] = np.random.default_rng(3).integers(1, 9, (NUM_CANDIDATES, STEPS))
        assert_ranks_like_rows(aged, features, [n for n in OF_USER if n != name])
        assert rank_ways(aged, ["user_id", other])["din_weights"] == "candidates"


def test_padding_of_the_request_is_left_out_of_the_unit():
    """Garbage steps that the mask hides cannot even reach the first product."""
    unit = ActivationUnit((5, 3))
    rng = np.random.default_rng(0)
    history, candidates = rng.normal(size=(1, 4, 3)), rng.normal(size=(7, 3))
    history, candidates = history.astype(np.float32), candidates.astype(np.float32)
    mask = np.array([[1, 1, 0, 0]], np.float32)
    unit(np.repeat(history, 7, 0), candidates, np.repeat(mask, 7, 0))
    history[:, 2:] = np.nan
    inputs = map(tf.constant, (history, candidates, mask))
    divide = DIVISIONS["recsys_lib>ActivationUnit"]
    weights = divide(unit, lambda tensor: tensor.shape[0] == 1, *inputs)
    assert np.isfinite(weights).all()
    np.testing.assert_array_equal(np.asarray(weights)[:, 2:], 0)


def test_every_divided_layer_has_the_name_that_it_is_saved_under():
    assert all([model.function for model in of_chapter("04")])  # imports the models' layers
    assert [name for name in DIVISIONS if keras.saving.get_registered_object(name) is None] == []


def test_dice_scale_and_shift_give_the_argument_of_its_sigmoid():
    """Zhou et al. 2018, equation 9: p = sigmoid((x - mean) / sqrt(variance + epsilon))."""
    layer = Dice(epsilon=1e-3)
    layer.build((None, 2))
    layer.moving_mean.assign([1.0, -2.0])
    layer.moving_variance.assign([4.0, 0.25])
    scale, shift = map(np.asarray, layer.scale_and_shift())
    x = np.array([[0.5, 3.0], [1.0, -2.0]])
    expected = (x - [1.0, -2.0]) / np.sqrt(np.array([4.0, 0.25]) + 1e-3)
    np.testing.assert_allclose(x * scale + shift, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "divided"),
    [
        (lambda: build_logistic_regression(COLUMNS), ["linear"]),
        (lambda: build_deep(COLUMNS, embedding_dim=4, hidden_units=(8, 4)), ["deep_all"]),
        (
            lambda: build_deepfm(COLUMNS[:6], embedding_dim=4, hidden_units=(8,)),
            ["linear", "deep"],
        ),
        (
            lambda: build_mmoe(COLUMNS, ("click", "buy"), embedding_dim=4),
            ["features", "experts"],
        ),
        (lambda: build_dien(COLUMNS, embedding_dim=4), ["deep"]),
        (
            lambda: build_dsin(
                [
                    *COLUMNS[:4],
                    SequenceColumn("history", 12, STEPS, table="item_id", num_sessions=2),
                ],
                num_sessions=2,
                num_heads=1,
                embedding_dim=4,
            ),
            ["deep"],
        ),
    ],
)
def test_first_products_are_divided_and_scores_stay(build, divided):
    model = randomized(build())
    features = rows(STEPS)
    names = {tensor.name for tensor in model.inputs}
    ways = rank_ways(model, set(OF_USER) & names)
    assert {name: ways[name] for name in divided} == dict.fromkeys(divided, "divided")
    task = {"task": "buy"} if isinstance(model.output, dict) else {}
    assert_ranks_like_rows(model, features, **task)


def test_one_history_is_multiplied_by_all_candidates_at_once():
    """DSIN's attention over sessions: the states are the request's, and so are the sums."""
    history = SequenceColumn("history", 12, STEPS, table="item_id", num_sessions=2)
    model = build_dsin([*COLUMNS[:3], history], num_sessions=2, num_heads=1, embedding_dim=4)
    ways = list(rank_ways(model, ["user_id", "city", "history"]).items())
    attention = [way for name, way in ways if "attention" in name or "weights" in name]
    assert attention
    assert set(attention) == {"divided"}


@pytest.mark.parametrize("scale", ["raw", "length", "softmax", "batch_normalization"])
def test_sessions_of_one_request_are_divided_with_every_scale(scale):
    history = SequenceColumn("history", 12, STEPS, table="item_id", num_sessions=2)
    options = {"head_inputs": "slice", "product": True, "embedding_dim": 4}
    model = build_dsin([*COLUMNS[:4], history], num_sessions=2, scale=scale, **options)
    randomized(model)
    for length in (STEPS, 2, 1):
        assert_ranks_like_rows(model, rows(length), [*OF_USER[:2], "history"])
    ways = rank_ways(model, ["user_id", "city", "history"])
    for name in ("interest_attention", "state_attention", "activated_interest", "deep"):
        assert ways[name] == "divided", name


@pytest.mark.parametrize("bias", [True, False])
def test_a_plain_dense_layer_divides(bias):
    inputs = build_inputs(COLUMNS[:3])
    joined = ops.concatenate(list(embed_groups(inputs, COLUMNS[:3], 4).values()), axis=-1)
    hidden = keras.layers.Dense(5, "tanh", use_bias=bias, name="plain")(joined)
    logit = keras.layers.Dense(1, name="logit")(hidden)
    model = randomized(keras.Model(inputs, PredictionHead(name="click")(logit)))
    assert_ranks_like_rows(model, rows(STEPS))
    assert rank_ways(model, ["user_id", "city"])["plain"] == "divided"


class Doubled(MLP):
    """Has a ``call`` of its own, which nothing that it inherits may replace."""

    def call(self, inputs, training=None):
        return 2 * super().call(inputs, training=training)


def test_a_layer_with_a_call_of_its_own_is_called():
    inputs = build_inputs(COLUMNS[:3])
    joined = ops.concatenate(list(embed_groups(inputs, COLUMNS[:3], 4).values()), axis=-1)
    logit = keras.layers.Dense(1)(Doubled([5], name="doubled")(joined))
    model = randomized(keras.Model(inputs, PredictionHead(name="click")(logit)))
    assert_ranks_like_rows(model, rows(STEPS))
    assert rank_ways(model, ["user_id", "city"])["doubled"] == "candidates"


def test_a_block_with_columns_of_both_sides_is_looked_up_for_each_candidate():
    layer = FusedEmbedding(COLUMNS[:3], 4)
    single = {"user_id": True, "city": False, "item_id": False}
    assert layer.separate({name: name for name in single}, single.get) == (
        [],
        ["user_id", "city", "item_id"],
    )
    single["city"] = True
    assert layer.separate({name: name for name in single}, single.get) == (
        ["user_id", "city"],
        ["item_id"],
    )
    model = randomized(build_deep(COLUMNS[:3], embedding_dim=4, hidden_units=(8,)))
    features = rows(STEPS)
    features["city"] = np.arange(NUM_CANDIDATES) % 4
    assert_ranks_like_rows(model, features, of_user=("user_id",))


def test_every_way_of_dealing_out_the_columns_gives_the_scores_of_the_rows():
    model = din(step_context=("history_age",))
    features = rows(4)
    rng = np.random.default_rng(5)
    for _ in range(6):
        candidates = {"item_id", *rng.choice([c.name for c in COLUMNS], 3, replace=False)}
        of_user = [column.name for column in COLUMNS if column.name not in candidates]
        shown = dict(features)
        for name in set(of_user) & set(OF_ITEM):
            shown[name] = np.repeat(features[name][:1], NUM_CANDIDATES, axis=0)
        assert_ranks_like_rows(model, shown, of_user)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_in_half_precision_the_layers_run_whole(dtype):
    keras.config.set_dtype_policy(dtype)
    try:
        model = din()
    finally:
        keras.config.set_dtype_policy("float32")
    features = rows(STEPS)
    found, expected = scores(model, features), predict(model, features)["click"]
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert rank_ways(model, ["user_id", "city", "history", "weather"])["deep"] == "candidates"


def test_a_model_that_was_ranked_with_is_freed():
    model = build_logistic_regression(COLUMNS)
    scores(model, rows(STEPS))
    predict(model, rows(STEPS))
    reference = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("names", [["no_such"], [column.name for column in COLUMNS]])
def test_ways_of_unknown_or_of_all_columns_are_refused(names):
    with pytest.raises(ValueError, match=r"user_columns: expected some of \['city', .* got \['"):
        rank_ways(build_logistic_regression(COLUMNS), names)
