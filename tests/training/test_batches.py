"""Feature arrays packed into matrices and cut apart again."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

from recsys_lib.data import Split
from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.training.batches import (
    Layout,
    PackedSplit,
    model_columns,
    model_tasks,
    outputs_by_task,
)


def test_unpack_gives_back_what_pack_was_given():
    features = tiny.make_features(tiny.COLUMNS, 7, np.random.default_rng(0))
    layout = Layout(tiny.COLUMNS)
    ids, numbers = layout.pack(features)
    assert ids.shape == (7, 1 + 1 + 2 + 3)
    assert numbers.shape == (7, 1 + 2)
    assert (ids.dtype, numbers.dtype) == (np.int32, np.float32)
    inputs = layout.unpack(tf.constant(ids), tf.constant(numbers))
    assert list(inputs) == [column.name for column in tiny.COLUMNS]
    for name, values in features.items():
        np.testing.assert_array_equal(inputs[name], values)


def test_specs_fit_the_matrices():
    for columns in (tiny.COLUMNS, tiny.COLUMNS[:2], tiny.COLUMNS[2:3]):
        layout = Layout(columns)
        packed = layout.pack(tiny.make_features(columns, 3, np.random.default_rng(0)))
        for matrix, spec in zip(packed, layout.specs, strict=True):
            assert spec.is_compatible_with(tf.constant(matrix))
            assert spec.shape.as_list() == [None, matrix.shape[1]]


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int16])
def test_any_integer_is_an_id_and_any_real_a_number(dtype):
    layout = Layout((CategoricalColumn("user_id", 9), NumericColumn("price")))
    ids, numbers = layout.pack(
        {"user_id": np.array([1, 8], dtype), "price": np.array([2, 3], dtype)}
    )
    assert ids.tolist() == [[1], [8]]
    assert ids.dtype == np.int32
    assert numbers.tolist() == [[2.0], [3.0]]
    assert numbers.dtype == np.float32


def model(outputs):
    inputs = {name: keras.Input((), name=name) for name in ("price", "age")}
    total = inputs["price"] + 2 * inputs["age"]
    return keras.Model(inputs, outputs(total))


def layer(name):
    return keras.layers.Identity(name=name)


def test_a_models_columns_are_those_of_its_inputs():
    one = model(layer("like"))
    columns = (NumericColumn("age"), CategoricalColumn("user_id", 3), NumericColumn("price"))
    assert [column.name for column in model_columns(one, columns)] == [
        tensor.name for tensor in one.inputs
    ]
    with pytest.raises(ValueError, match=r"the inputs \['price'\] are no feature columns"):
        model_columns(one, columns[:2])


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_outputs_are_found_by_the_names_of_their_tasks(kind):
    def outputs(total):
        parts = {"like": layer("like")(total), "share": layer("share")(-total)}
        return parts if kind == "dict" else list(parts.values())

    two = model(outputs)
    assert model_tasks(two, ["share", "follow", "like"]) == ["like", "share"]
    result = two({"price": np.array([1.0]), "age": np.array([3.0])})
    share, like = outputs_by_task(two, result, ["share", "like"])
    assert (float(share[0]), float(like[0])) == (-7.0, 7.0)
    with pytest.raises(ValueError, match=r"the outputs \['share'\] are no tasks of the data"):
        model_tasks(two, ["like"])


def test_one_output_serves_the_only_task_and_needs_the_name_among_several():
    one = model(layer("anything"))
    assert model_tasks(one, ["like"]) == ["like"]
    with pytest.raises(ValueError, match=r"\['anything'\] are no tasks .*\['like', 'share'\]"):
        model_tasks(one, ["like", "share"])
    assert model_tasks(model(layer("share")), ["like", "share"]) == ["share"]
    (only,) = outputs_by_task(one, one({"price": np.ones(2), "age": np.ones(2)}), ["like"])
    assert only.shape == (2,)


def test_a_dict_of_one_task_is_an_output_like_a_tensor():
    """Its name may be the data's or another, as a tensor's may."""
    one = model(lambda total: {"like": layer("like")(total)})
    result = one({"price": np.array([1.0]), "age": np.array([3.0])})
    for tasks in (["like"], ["click"]):
        assert model_tasks(one, tasks) == tasks
        (only,) = outputs_by_task(one, result, tasks)
        assert only.numpy().tolist() == [7.0]
    assert model_tasks(one, ["share", "like"]) == ["like"]
    with pytest.raises(ValueError, match=r"\['like'\] are no tasks of the data"):
        model_tasks(one, ["share", "follow"])


def labelled(label_masks):
    features = tiny.make_features(tiny.SMALL, 4, np.random.default_rng(0))
    labels = {"like": [0, 1, 1, 0], "share": [1, 1, 0, 0]}
    return Split(features, labels, np.arange(4), np.arange(4), label_masks=label_masks)


def test_masks_are_packed_where_a_task_of_the_model_has_one():
    layout, mask = Layout(tiny.SMALL), np.array([True, False, True, True])
    packed = PackedSplit.of(labelled({"share": mask}), layout, ["share", "like"])
    assert packed.labels.tolist() == [[1, 0], [0, 1], [0, 1], [0, 0]]
    assert packed.masks.tolist() == [[True, True], [False, True], [True, True], [True, True]]
    assert PackedSplit.of(labelled({"share": mask}), layout, ["like"]).masks is None
    assert len(PackedSplit.of(labelled({}), layout, ["share", "like"]).arrays) == 3


def test_the_hash_of_a_split_knows_every_value_and_nothing_else():
    layout, mask = Layout(tiny.SMALL), np.array([True, False, True, True])

    def digest(split, tasks=("like", "share")):
        return PackedSplit.of(split, layout, list(tasks)).digest()

    plain = labelled({})
    changed = {**plain.features, "user_id": plain.features["user_id"][::-1].copy()}
    others = [
        digest(labelled({"share": mask})),
        digest(labelled({"share": ~mask})),
        digest(plain, ("share", "like")),
        digest(dataclasses.replace(plain, features=changed)),
        digest(dataclasses.replace(plain, labels={**plain.labels, "like": [1, 1, 1, 0]})),
        digest(plain.take([0, 1, 2])),
    ]
    assert len({digest(plain), *others}) == 7
    assert digest(labelled({})) == digest(plain)
