"""Every path by which a task trains a variable is there: autodiff against a central difference.

In double precision and with smooth activations, so that the difference is good to many digits. A
gradient that is cut on one of several paths shows here, though every variable still trains.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import randomize
from tiny_tasks import COLUMNS, FEATURES, NUM_ROWS, TASKS, WIDTH

from recsys_lib.features.columns import SequenceColumn
from recsys_lib.multi_task import (
    build_aitm,
    build_cgc,
    build_esmm,
    build_mmoe,
    build_omoe,
    build_ple,
    build_shared_bottom,
    build_stem,
)

SIZES = {"embedding_dim": WIDTH, "tower_units": (3,), "activation": "tanh"}
EXPERTS = {**SIZES, "expert_units": (4, 3)}
UNEQUAL = {"click": (2, 1), "like": 1, "minutes": (1, 2)}
MODELS = {
    "shared bottom": functools.partial(build_shared_bottom, hidden_units=(4, 3), **SIZES),
    "MMoE": functools.partial(build_mmoe, num_experts=3, **EXPERTS),
    "OMoE": functools.partial(build_omoe, num_experts=2, **EXPERTS),
    "CGC": functools.partial(build_cgc, **EXPERTS),
    "PLE": functools.partial(build_ple, num_levels=3, num_shared_experts=1, **EXPERTS),
    "PLE, unequal": functools.partial(build_ple, num_task_experts=UNEQUAL, **EXPERTS),
    "ESMM": functools.partial(
        build_esmm, embedding_dim=WIDTH, hidden_units=(4, 3), activation="tanh"
    ),
    # Of several tasks its gradient is not the derivative: see the contract's test.
    "STEM, one task": functools.partial(build_stem, **EXPERTS),
    "AITM": functools.partial(
        build_aitm, embedding_dim=WIDTH, hidden_units=(4, 3), activation="tanh"
    ),
}
OWN_TASKS = {"ESMM": ("click", "buy"), "AITM": ("click", "cart", "buy")}
OWN_TASKS |= {"STEM, one task": ("click",)}
HISTORY = SequenceColumn("history", 5, 3, table="item_id")
BEHAVIOURS = np.array(
    [[1, 2, 3], [4, 4, 0], [0, 0, 0], [2, 0, 0], [3, 1, 2], [2, 4, 0], [1, 0, 0]], np.int32
)
UNIT = {"interest": "attention", "attention_units": (3,), "attention_activation": "tanh"}
UNIT |= {"scale": "length", "product": True}


@pytest.fixture
def double_precision():
    before = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before[0])
    keras.config.set_floatx(before[1])


def total(outputs, names):
    """A smooth function of all outputs, in which no two tasks and no two rows count alike."""
    weights = tf.constant(np.linspace(0.5, 2.0, NUM_ROWS))
    parts = [
        tf.reduce_sum(weights * tf.sin((1.0 + position) * outputs[name]))
        for position, name in enumerate(names)
    ]
    return tf.add_n(parts)


@pytest.mark.parametrize("interest", ["pooled", "attention"])
@pytest.mark.parametrize("name", MODELS)
def test_autodiff_is_the_derivative_in_every_variable(name, interest, double_precision):
    tasks = OWN_TASKS.get(name, TASKS)
    columns, features, options = COLUMNS, FEATURES, {}
    if interest == "attention":
        columns, features, options = (*COLUMNS, HISTORY), FEATURES | {"history": BEHAVIOURS}, UNIT
    model = randomize(MODELS[name](columns, tasks, **options))
    call = functools.partial(model, features)
    with tf.GradientTape() as tape:
        loss = total(call(), tasks)
    gradients = tape.gradient(loss, model.trainable_variables)
    rng, step = np.random.default_rng(3), 1e-5
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        value, direction = variable.numpy(), rng.normal(size=variable.shape)
        assert value.dtype == np.float64
        found = float(np.sum(direction * tf.convert_to_tensor(gradient).numpy()))
        sides = []
        for side in (1, -1):
            variable.assign(value + side * step * direction)
            sides.append(float(total(call(), tasks)))
        variable.assign(value)
        expected = (sides[0] - sides[1]) / (2 * step)
        assert abs(expected) > 1e-4, variable.path
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-8), variable.path
