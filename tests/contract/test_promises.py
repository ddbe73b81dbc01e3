"""What every model of the zoo promises, whatever it is made of."""

import dataclasses
import importlib
import inspect
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize
from rows import CHECKED
from rows.checked import options_of
from world import (
    NUM_ROWS,
    OTHERWISE_MADE,
    OWN,
    TASKS,
    built,
    by_key,
    columns_by_key,
    dataset_of,
    features_by_key,
    features_of,
    fresh,
    inputs_of,
    settings_of,
    tasks_of,
)

from recsys_lib.features.columns import EmbeddingL2, NumericColumn
from recsys_lib.features.crosses import CrossProduct
from recsys_lib.features.embedding import FusedEmbedding
from recsys_lib.training import load, predict, rank, save
from recsys_lib.training.batches import PackedSplit
from recsys_lib.training.restarts import build_with_seed, start_of
from recsys_lib.training.trainer import Trainer
from recsys_lib.zoo import MODELS

KEYS = [model.key for model in MODELS]
ROWS = pytest.mark.parametrize("key", KEYS)


def flat(predictions):
    return np.stack([np.asarray(values) for values in predictions.values()], axis=1)


def run(model, features):
    """A model's outputs, ``(rows, tasks)``, without compiling it."""
    names = [tensor.name for tensor in model.inputs]
    outputs = model({name: keras.ops.convert_to_tensor(features[name]) for name in names})
    outputs = outputs.values() if isinstance(outputs, dict) else [outputs]
    return np.stack([np.asarray(values) for values in outputs], axis=1)


@ROWS
def test_two_positional_arguments_and_all_others_by_name(key):
    parameters = list(inspect.signature(by_key(key).function).parameters.values())
    assert [parameter.name for parameter in parameters[:2]] == ["feature_columns", "tasks"]
    assert {parameter.kind for parameter in parameters[:2]} == {
        inspect.Parameter.POSITIONAL_OR_KEYWORD
    }
    assert {parameter.kind for parameter in parameters[2:]} <= {inspect.Parameter.KEYWORD_ONLY}
    defaults = {parameter.name: parameter.default for parameter in parameters}
    common = {
        "embedding_dim": 16,
        "expert_units": (32,),
        "tower_units": (16,),
        "num_experts": 4 if key not in ("dcn_v2", "dcn_mix") else 1,
        "dropout_rate": 0.0,
        "embeddings_initializer": None,
        "embedding_l2": 0.0,
        "linear_l2": 0.0,
        "histories": None,
        "scenario": None,
    }
    for name, default in common.items():
        assert defaults.get(name, default) == default, name
    assert defaults.get("hidden_units", ()) in ((64, 32), ())


@ROWS
def test_a_name_gives_a_tensor_and_names_give_a_dict(key):
    model, columns = by_key(key), columns_by_key(key)
    if {"two tasks", "chain of tasks"} & set(model.needs):
        made = model.build(columns, TASKS, **settings_of(model))
        assert list(made.output) == list(TASKS)
        with pytest.raises(ValueError, match="tasks: expected 2 tasks"):
            model.build(columns, "zeta", **settings_of(model))
        return
    made = model.build(columns, "zeta", **settings_of(model))
    assert made.output.shape == (None,)
    made = model.build(columns, ("zeta",), **settings_of(model))
    assert list(made.output) == ["zeta"] and made.output["zeta"].shape == (None,)
    if "several tasks" not in model.needs and key not in ("pepnet", "m2m"):
        with pytest.raises(ValueError, match="tasks: expected one task"):
            model.build(columns, TASKS, **settings_of(model))


@ROWS
def test_a_regression_task_has_no_sigmoid(key):
    model = by_key(key)
    if key in ("esmm", "aitm", "ranker"):
        with pytest.raises(ValueError, match="expected 'binary', got 'regression'"):
            model.build(
                columns_by_key(key), dict.fromkeys(TASKS, "regression"), **settings_of(model)
            )
        return
    kinds = {"zeta": "regression"}
    if "several tasks" in model.needs:
        kinds["alpha"] = "binary"
    made = model.build(columns_by_key(key), kinds, **settings_of(model))
    # Exponents as large as those would overflow.
    randomize(made, seed=3, scale=1.0 if key in ("afn", "afn_plus") else 3.0)
    values = run(made, inputs_of(made, key))[:, 0]
    assert values.min() < 0 or values.max() > 1


@ROWS
def test_sizes_may_be_numpy_integers_and_columns_a_list(key):
    model = by_key(key)

    def as_numpy(value):
        if isinstance(value, bool) or not isinstance(value, int | tuple):
            return value
        return np.int64(value) if isinstance(value, int) else tuple(map(as_numpy, value))

    options = {name: as_numpy(value) for name, value in settings_of(model).items()}
    made = model.build(list(columns_by_key(key)), tasks_of(model), **options)
    assert made.count_params() == built(key).count_params()
    made.to_json()  # a NumPy integer in a configuration could not be written


@ROWS
def test_widths_that_are_none_are_refused(key):
    model = by_key(key)
    parameters = inspect.signature(model.function).parameters
    for name in ("hidden_units", "expert_units"):
        if name not in parameters:
            continue
        for bad in (None, 64, (0,), (4.5,)):
            with pytest.raises(ValueError, match="expected"):
                fresh(key, **{name: bad})
        if CHECKED[key].needs_network:
            with pytest.raises(ValueError, match="expected"):
                fresh(key, **{name: ()})
        else:
            made = fresh(key, **{name: ()})
            has_none = {**options_of(model), **model.options}[name] == ()  # from the start
            assert made.count_params() < built(key).count_params() or has_none


@ROWS
def test_saved_and_loaded_it_predicts_the_same_bits(key, tmp_path):
    model = built(key)
    save(model, tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    assert configuration(again) == configuration(model)
    features = inputs_of(model, key)
    np.testing.assert_array_equal(run(again, features), run(model, features))


def configuration(model):
    """What a model is made of; the inputs come back in another order."""
    config = json.loads(model.to_json())["config"]
    layers = {layer["name"]: layer for layer in config.pop("layers")}
    return config, layers


def divisions(names, key):
    """Ways to give the columns to a request and its candidates, at least one to these."""
    yield {"user_id", "surface", "weather", "history", "history_category", "step_age"} & names
    rng = np.random.default_rng(KEYS.index(key))  # other ones for every model
    for _ in range(2):
        side = {name for name in sorted(names) if rng.random() < 0.5}
        yield side if side < names else side - {min(side)}


@ROWS
def test_rank_scores_like_predict_however_the_columns_are_divided(key):
    model = built(key)
    features = inputs_of(model, key)
    task = None if isinstance(tasks_of(by_key(key)), str) else TASKS[-1]
    for user_side in divisions(set(features), key):
        user = {name: features[name][5] for name in user_side}
        candidates = {name: features[name] for name in features if name not in user_side}
        tiled = {name: np.stack([value] * NUM_ROWS) for name, value in user.items()}
        expected = predict(model, tiled | candidates)
        expected = expected[task or next(iter(expected))]
        ranking = rank(model, user, candidates, task=task)
        np.testing.assert_allclose(ranking.scores, expected, atol=2e-6)
        assert (np.diff(ranking.scores[ranking.order]) <= 0).all()


def put_garbage_into_unread_rows(model):
    """Large numbers into every table's row that stands for padding and unknown."""
    for layer in model.layers:
        if isinstance(layer, FusedEmbedding):
            table = layer.table.numpy()
            for name, start in layer.table_offsets.items():
                table[start] = 1e3 + len(name)
            layer.table.assign(table)
        elif isinstance(layer, CrossProduct):
            table = layer.table.numpy()
            for pair, rows in layer.table_rows.items():
                first, second = (c for n in pair for c in layer.columns if c.name == n)
                product = first.vocabulary_size * second.vocabulary_size
                if rows.stop - rows.start != product:
                    continue
                index = np.arange(product)
                unread = (index // second.vocabulary_size == 0) | (
                    index % second.vocabulary_size == 0
                )
                table[rows][unread] = 1e3
            layer.table.assign(table)


@ROWS
def test_garbage_in_padding_moves_no_bit(key):
    options = {
        name: 0.25
        for name in ("embedding_l2", "linear_l2")
        if name in inspect.signature(by_key(key).function).parameters
    }
    model = fresh(key, **options)
    randomize(model, seed=1)
    features = inputs_of(model, key)
    before = run(model, features)
    losses_before = training_losses(model, features)
    put_garbage_into_unread_rows(model)
    np.testing.assert_array_equal(run(model, features), before)
    np.testing.assert_array_equal(training_losses(model, features), losses_before)


def training_losses(model, features):
    state = [variable.numpy() for variable in model.non_trainable_variables]
    model({name: keras.ops.convert_to_tensor(v) for name, v in features.items()}, training=True)
    losses = np.array([float(loss) for loss in model.losses])
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)
    return losses


@ROWS
def test_rows_are_independent(key):
    model = built(key)
    features = inputs_of(model, key)
    whole = flat(predict(model, features))
    order = np.random.default_rng(0).permutation(NUM_ROWS)
    shuffled = flat(predict(model, {name: values[order] for name, values in features.items()}))
    np.testing.assert_allclose(shuffled, whole[order], atol=2e-6)
    for row in (0, 5):
        alone = {name: values[row : row + 1] for name, values in features.items()}
        np.testing.assert_allclose(flat(predict(model, alone)), whole[row : row + 1], atol=2e-6)
    others = features_of(columns_by_key(key), seed=9)
    for name in features:
        others[name][3] = features[name][3]
    changed = flat(predict(model, {name: others[name] for name in features}))
    np.testing.assert_allclose(changed[3], whole[3], atol=2e-6)


@ROWS
def test_each_label_goes_with_the_output_of_its_name(key):
    tasks = tasks_of(by_key(key))
    names = (tasks,) if isinstance(tasks, str) else tasks
    model = built(key)
    features = inputs_of(model, key)
    before = predict(model, features)
    assert list(before) == list(names)
    for wanted in names:
        bias = head_bias(model, wanted, names)
        value = bias.numpy()
        bias.assign(value + 2.0)
        after = predict(model, features)
        bias.assign(value)
        assert (after[wanted] >= before[wanted]).all()
        assert (after[wanted] > before[wanted]).any()
        for other in names:
            if other != wanted and not follows(other, wanted, key):
                np.testing.assert_array_equal(after[other], before[other])


def head_bias(model, task, names):
    """The bias of a task's own head; where a task is a product, of the head that is its own."""
    if {"conversion_given_click", task} <= {layer.name for layer in model.layers} | {task}:
        if task == names[-1] and len(names) == 2:
            return model.get_layer("conversion_given_click").bias
    return model.get_layer(task).bias


def follows(other, wanted, key):
    """Whether a task's output is a product with the wanted one."""
    return key in ("esmm", "ranker") and wanted == TASKS[0] and other == TASKS[1]


@pytest.mark.parametrize("key", [m.key for m in MODELS if "several tasks" in m.needs])
def test_labels_are_told_apart_by_name_in_training(key):
    data = dataset_of(key)
    constant = {
        name: split_with(split, {"zeta": 1.0, "alpha": 0.0}) for name, split in data.splits.items()
    }
    model = fresh(key)
    trainer = Trainer(model, data)
    for split in constant.values():
        split.labels["zeta"][0] = 0.0  # a label needs two classes
        split.labels["alpha"][1] = 1.0
    data = dataclasses.replace(data, **constant)
    trainer.fit(data, epochs=60, batch_size=24, patience=None, progress=False)
    predicted = predict(model, data.train.features)
    assert predicted["zeta"].mean() > predicted["alpha"].mean()


def split_with(split, values):
    labels = {name: np.full(len(split), values[name], np.float32) for name in split.labels}
    return dataclasses.replace(split, labels=labels)


@ROWS
def test_started_anew_it_keeps_nothing_of_what_it_learned(key):
    model = build_with_seed(lambda: fresh(key), 0)
    randomize(model, seed=1)
    again = start_of(model).draw(8)
    for variable, found in zip(fresh(key, seed=8).variables, again, strict=True):
        assert np.array_equal(found, variable.numpy()), variable.path


@ROWS
def test_unknown_tables_of_counts_are_refused(key):
    parameters = inspect.signature(by_key(key).function).parameters
    counts = EmbeddingL2(0.5, id_counts={"moovie_id": np.ones(9)})
    for name in {"embedding_l2", "linear_l2"} & set(parameters):
        with pytest.raises(ValueError, match=r"id_counts: expected tables of .*'moovie_id'"):
            fresh(key, **{name: counts})


@pytest.mark.parametrize("key", [*OWN, *OTHERWISE_MADE])
def test_half_precision_predicts_about_the_same_and_trains(key):
    features = inputs_of(built(key), key)
    expected = run(built(key), features)
    weights = [variable.numpy() for variable in built(key).variables]
    for policy, tolerance in (("mixed_float16", 0.02), ("mixed_bfloat16", 0.1)):
        keras.config.set_dtype_policy(policy)
        try:
            model = fresh(key)
            for variable, value in zip(model.variables, weights, strict=True):
                variable.assign(value)
            found = run(model, features)
            assert found.dtype == np.float32 and np.isfinite(found).all()
            np.testing.assert_allclose(found, expected, atol=tolerance)
            if policy == "mixed_bfloat16":
                before = [variable.numpy() for variable in model.trainable_variables]
                train_one_step(model, dataset_of(key))
                after = [variable.numpy() for variable in model.trainable_variables]
                assert all(np.isfinite(values).all() for values in after)
                assert any((x != y).any() for x, y in zip(before, after, strict=True))
        finally:
            keras.config.set_dtype_policy("float32")


def train_one_step(model, data):
    trainer = Trainer(model, data)
    packed = PackedSplit.of(data.train, trainer.layout, trainer.tasks)
    trainer.train_on_batch(*(keras.ops.convert_to_tensor(array) for array in packed.arrays))


@ROWS
def test_no_kernel_fails_on_an_accelerator(key, monkeypatch):
    rnn = importlib.import_module("keras.src.backend.tensorflow.rnn")
    # Keras asks this before it chooses cuDNN's kernels, which refuse a row without a real step.
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True, raising=True)
    model = fresh(key)
    specs = {
        tensor.name: tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype)
        for tensor in model.inputs
    }

    @tf.function(input_signature=[specs], autograph=False)
    def training_pass(inputs):
        return model(inputs, training=True)

    graph = training_pass.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    assert not {node.op for node in nodes if "Cudnn" in node.op}


def test_numeric_columns_are_among_the_worlds_columns():
    assert any(isinstance(column, NumericColumn) for column in columns_by_key("fm"))
    assert set(features_by_key("din")) > set(features_by_key("fm"))
