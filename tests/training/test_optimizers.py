"""Row-wise Adam, Adagrad and FTRL against stock Keras fed the dense gradient, and the papers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.features.embedding import FusedEmbedding, build_inputs
from recsys_lib.layers.blocks import linear_logit
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.training.optimizers import Adagrad, Adam, Ftrl, optimizer_per_group, sum_duplicates

ROWS, DIM, STEPS = 12, 3, 20
RNG = np.random.default_rng(0)
INITIAL = RNG.normal(size=(ROWS, DIM)).astype(np.float32)
DENSE_INITIAL = RNG.normal(size=(4, 2)).astype(np.float32)
DENSE_GRADIENTS = RNG.normal(size=(STEPS, 4, 2)).astype(np.float32)


def batches_of_ids(every_row):
    """Ids of each step, with duplicates; either every row in every batch or some rows only."""
    rng = np.random.default_rng(1)
    batches = []
    for _ in range(STEPS):
        ids = rng.integers(0, ROWS, 8)
        ids = np.concatenate([np.arange(ROWS), ids]) if every_row else np.append(ids, ids[:3])
        batches.append((ids, rng.normal(size=(len(ids), DIM)).astype(np.float32)))
    return batches


def make_table(initial, rowwise=True):
    table = keras.Variable(initial, name="table")
    table.rowwise = rowwise
    return table


def train(optimizer, initial, batches, dense_gradient=False, rowwise=True):
    """Apply each batch's slices to a table, beside a dense variable; returns both and the table."""
    table = make_table(initial, rowwise)
    dense = keras.Variable(DENSE_INITIAL, name="dense")
    optimizer.build([table, dense])
    for (ids, values), dense_gradient_value in zip(batches, DENSE_GRADIENTS, strict=True):
        gradient = tf.IndexedSlices(
            tf.constant(values), tf.constant(ids), tf.constant(initial.shape, tf.int64)
        )
        gradient = tf.convert_to_tensor(gradient) if dense_gradient else gradient
        optimizer.apply([gradient, tf.constant(dense_gradient_value)], [table, dense])
    return table.numpy(), dense.numpy(), table


FTRL = {"l1_regularization_strength": 0.2, "l2_regularization_strength": 0.1}
CASES = {
    "adam": (Adam, keras.optimizers.Adam, INITIAL, {}, True),
    "adam betas": (
        Adam,
        keras.optimizers.Adam,
        INITIAL,
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        True,
    ),
    "adagrad": (Adagrad, keras.optimizers.Adagrad, INITIAL, {}, False),
    "adagrad start": (
        Adagrad,
        keras.optimizers.Adagrad,
        INITIAL,
        {"initial_accumulator_value": 0.5, "epsilon": 1e-2},
        False,
    ),
    "ftrl": (Ftrl, keras.optimizers.Ftrl, 0 * INITIAL, FTRL, False),
    "ftrl beta": (
        Ftrl,
        keras.optimizers.Ftrl,
        0 * INITIAL,
        {
            "l1_regularization_strength": 1.5,
            "beta": 0.7,
            "learning_rate_power": -0.4,
            "initial_accumulator_value": 0.3,
        },
        False,
    ),
    "adam clipnorm": (Adam, keras.optimizers.Adam, INITIAL, {"clipnorm": 0.5}, True),
    "adagrad clipnorm": (Adagrad, keras.optimizers.Adagrad, INITIAL, {"clipnorm": 0.5}, False),
    "adagrad clipvalue": (Adagrad, keras.optimizers.Adagrad, INITIAL, {"clipvalue": 0.3}, False),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_stock_keras_fed_the_dense_gradient(case):
    ours, stock, initial, options, every_row = CASES[case]
    batches = batches_of_ids(every_row)
    table, dense, _ = train(ours(0.1, **options), initial, batches)
    expected, expected_dense, _ = train(stock(0.1, **options), initial, batches, True)
    np.testing.assert_allclose(table, expected, rtol=1e-5, atol=2e-6)
    np.testing.assert_array_equal(dense, expected_dense)
    assert np.abs(table - initial).max() > 0.05
    if "ftrl" in case:
        np.testing.assert_array_equal(table == 0, expected == 0)
        assert 0 < (table == 0).mean() < 1


@pytest.mark.parametrize(("case", "gap"), [("adam", 0.05), ("adagrad", 0.02), ("ftrl", 0.02)])
def test_stock_keras_is_wrong_on_duplicate_ids_which_is_why_these_exist(case, gap):
    _, stock, initial, options, every_row = CASES[case]
    batches = batches_of_ids(every_row)
    slices, _, _ = train(stock(0.1, **options), initial, batches)
    dense, _, _ = train(stock(0.1, **options), initial, batches, True)
    assert np.abs(slices - dense).max() > gap


def test_duplicates_are_summed():
    gradient = tf.IndexedSlices(
        tf.constant([[1.0, 2], [10, 20], [100, 200], [1000, 2000]]),
        tf.constant([5, 2, 5, 5]),
        tf.constant([7, 2]),
    )
    summed = sum_duplicates(gradient)
    assert sorted(summed.indices.numpy()) == [2, 5]
    np.testing.assert_array_equal(tf.convert_to_tensor(summed), tf.convert_to_tensor(gradient))
    np.testing.assert_array_equal(tf.convert_to_tensor(summed)[5], [1101, 2202])


@pytest.mark.parametrize("dim", [1, 2, 16, 31, 32])
def test_sums_of_any_width_are_those_of_one_row_after_the_other_to_the_bit(dim):
    rng = np.random.default_rng(dim)
    rows = rng.integers(0, 9, 60).astype(np.int32)
    values = rng.normal(size=(60, dim)).astype(np.float32)
    summed = sum_duplicates(tf.IndexedSlices(values, rows, tf.constant([9, dim])))
    expected = np.zeros((9, dim), np.float32)
    for row, value in zip(rows, values, strict=True):
        expected[row] += value
    np.testing.assert_array_equal(summed.values, expected[summed.indices.numpy()])


def test_narrow_tables_are_summed_by_a_sparse_product():
    """A third of the time at the usual widths; wide ones would lose by it."""

    def kernels(dim):
        specs = tf.TensorSpec((None, dim)), tf.TensorSpec((None,), tf.int32)
        summed = tf.function(
            lambda *slices: sum_duplicates(tf.IndexedSlices(*slices)).values, autograph=False
        )
        return {op.type for op in summed.get_concrete_function(*specs).graph.get_operations()}

    assert "SparseTensorDenseMatMul" in kernels(16)
    assert "UnsortedSegmentSum" in kernels(1) & kernels(32)


@pytest.mark.parametrize("name", ["adam", "adagrad", "ftrl"])
def test_rows_that_no_batch_reads_keep_every_bit_of_weight_and_statistics(name):
    ours, _, initial, options, _ = CASES[name]
    optimizer = ours(0.1, **options)
    table = make_table(initial)
    optimizer.build([table])
    before = {slot: value.numpy() for slot, value in optimizer.slots(table).items()}
    touched = np.array([1, 4, 4, 7])
    gradient = tf.IndexedSlices(tf.ones([4, DIM]), touched, tf.constant(initial.shape, tf.int64))
    for _ in range(3):
        optimizer.apply([gradient], [table])
    after = optimizer.slots(table)
    rest = np.setdiff1d(np.arange(ROWS), touched)
    np.testing.assert_array_equal(table.numpy()[rest], initial[rest])
    assert (table.numpy()[touched] != initial[touched]).all()
    for slot, value in after.items():
        np.testing.assert_array_equal(value.numpy()[rest], before[slot][rest])
        assert (value.numpy()[touched] != before[slot][touched]).all()


def test_a_row_with_a_dense_gradient_is_updated_as_a_dense_variable():
    """Weight decay by hand, or any use besides a lookup, gives every row a gradient."""
    gradient = np.random.default_rng(2).normal(size=(ROWS, DIM)).astype(np.float32)
    results = []
    for optimizer, rowwise in ((Adam(0.1), True), (keras.optimizers.Adam(0.1), False)):
        table = make_table(INITIAL, rowwise)
        for _ in range(3):
            optimizer.apply([tf.constant(gradient)], [table])
        results.append(table.numpy())
    np.testing.assert_allclose(*results, rtol=1e-6, atol=1e-6)


def test_ordinary_variables_with_sparse_gradients_are_exact_too():
    batches = batches_of_ids(every_row=False)
    table, _, _ = train(Adam(0.1), INITIAL, batches, rowwise=False)
    expected, _, _ = train(keras.optimizers.Adam(0.1), INITIAL, batches, True)
    np.testing.assert_array_equal(table, expected)


def test_a_row_that_is_first_touched_late_moves_further_than_the_rate():
    """The docstring's numbers: 3.2 times the rate at once, 6.6 times at the 12th like gradient."""
    rate, table = 1e-3, make_table(np.zeros((2, 1), np.float32))
    optimizer = Adam(rate)

    def touch(row):
        before = table.numpy()
        rows = tf.IndexedSlices(tf.ones((1, 1)), tf.constant([row]), tf.constant([2, 1], tf.int64))
        optimizer.apply([rows], [table])
        return np.abs(table.numpy() - before)[row, 0] / rate

    early = [touch(0) for _ in range(12)]
    np.testing.assert_allclose(early, 1, rtol=1e-3)
    optimizer.iterations.assign(20_000)
    late = [touch(1) for _ in range(20)]
    assert late[0] == pytest.approx(3.16, abs=0.01)
    assert max(late) == pytest.approx(6.57, abs=0.01)
    assert np.argmax(late) == 11
    assert late[0] == pytest.approx(0.1 / np.sqrt(0.001), rel=1e-3)  # (1 - b1) / sqrt(1 - b2)


def ftrl_proximal(initial_n, alpha, beta, l1, l2, batches):
    """McMahan et al. 2013, algorithm 1, in float64, coordinate by coordinate."""
    z, n = np.zeros((ROWS, DIM)), np.full((ROWS, DIM), float(initial_n))
    weights = np.zeros((ROWS, DIM))
    for ids, values in batches:
        gradient = np.zeros((ROWS, DIM))
        np.add.at(gradient, ids, values.astype(np.float64))
        for row in np.unique(ids):
            g = gradient[row]
            sigma = (np.sqrt(n[row] + g**2) - np.sqrt(n[row])) / alpha
            z[row] += g - sigma * weights[row]
            n[row] += g**2
            shrunk = -(z[row] - np.sign(z[row]) * l1) / ((beta + np.sqrt(n[row])) / alpha + l2)
            weights[row] = np.where(np.abs(z[row]) <= l1, 0.0, shrunk)
    return weights, z, n


def test_ftrl_equals_algorithm_1_of_mcmahan_and_its_zeros_are_exact():
    batches = batches_of_ids(every_row=False)
    alpha, beta, l1, l2 = 0.2, 0.5, 2.0, 0.3
    # Keras counts L2 twice, as TensorFlow does.
    optimizer = Ftrl(
        alpha,
        beta=beta,
        initial_accumulator_value=0.1,
        l1_regularization_strength=l1,
        l2_regularization_strength=l2 / 2,
    )
    table, _, variable = train(optimizer, 0 * INITIAL, batches)
    expected, z, n = ftrl_proximal(0.1, alpha, beta, l1, l2, batches)
    slots = {name: value.numpy() for name, value in optimizer.slots(variable).items()}
    np.testing.assert_allclose(table, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(slots["linear"], z, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(slots["accumulator"], n, rtol=1e-5)
    np.testing.assert_array_equal(table == 0, np.abs(slots["linear"]) <= np.float32(l1))
    assert 0.1 < (table == 0).mean() < 0.9


def test_ftrl_refuses_a_table_that_does_not_start_at_zero():
    start = 0 * INITIAL
    start[3, 1] = 1e-6
    with pytest.raises(ValueError, match=r"Ftrl: the table '.*table' must start at zero"):
        Ftrl(0.1).build([make_table(start)])
    Ftrl(0.1).build([keras.Variable(INITIAL, name="kernel")])  # a dense kernel may


@pytest.mark.parametrize("optimizer", [Adam, Adagrad, Ftrl])
@pytest.mark.parametrize(
    "option",
    [
        {"weight_decay": 0.01},
        {"weight_decay": 0.0},  # Keras multiplies the whole table by 1 - 0 in every step
        {"global_clipnorm": 1.0},
        {"use_ema": True},
        {"gradient_accumulation_steps": 2},
        {"loss_scale_factor": 2.0},
    ],
    ids=lambda option: next(iter(option)),
)
def test_options_that_rewrite_whole_tables_are_refused(optimizer, option):
    name = next(iter(option))
    with pytest.raises(ValueError, match=f"{optimizer.__name__}: {name} .*not supported, got"):
        optimizer(0.1, **option)


def test_options_without_a_row_wise_form_are_refused():
    with pytest.raises(ValueError, match="amsgrad"):
        Adam(0.1, amsgrad=True)
    with pytest.raises(ValueError, match="l2_shrinkage"):
        Ftrl(0.1, l2_shrinkage_regularization_strength=0.1)


def test_a_learning_rate_schedule_is_followed():
    def schedule():
        return keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)

    batches = batches_of_ids(every_row=False)
    table, _, _ = train(Adagrad(schedule()), INITIAL, batches)
    expected, _, _ = train(keras.optimizers.Adagrad(schedule()), INITIAL, batches, True)
    constant, _, _ = train(Adagrad(0.1), INITIAL, batches)
    np.testing.assert_allclose(table, expected, rtol=1e-5, atol=2e-6)
    assert np.abs(table - constant).max() > 0.01


@pytest.mark.parametrize("optimizer", [Adam, Adagrad, Ftrl])
def test_the_configuration_makes_the_same_optimizer(optimizer):
    first = optimizer(0.25, clipnorm=2.0)
    second = optimizer.from_config(first.get_config())
    assert type(second) is optimizer
    assert second.get_config() == first.get_config()
    assert float(second.learning_rate.numpy()) == 0.25


def variables(*paths):
    made = []
    for path in paths:
        with keras.name_scope(path.split("/")[0]):
            made.append(make_table(np.zeros((4, 2), np.float32)))
        assert made[-1].path == path
    return made


def test_each_group_gets_its_own_rule_and_its_own_statistics():
    wide, deep = variables("wide_cross/table", "deep/table")
    ftrl, adagrad = Ftrl(0.5, l1_regularization_strength=0.1), Adagrad(0.5)
    optimizer = optimizer_per_group({"wide_.*": ftrl, "deep/.*": adagrad})
    optimizer.build([wide, deep])
    gradient = tf.IndexedSlices(
        tf.constant([[0.05, 1.0], [0.04, 1.0]]), tf.constant([2, 2]), tf.constant([4, 2], tf.int64)
    )
    optimizer.apply([gradient, gradient], [wide, deep])
    # FTRL: |z| = 0.09 is within L1 and gives exactly 0; Adagrad moves by g / sqrt(n + g^2).
    assert wide.numpy()[2, 0] == 0
    assert wide.numpy()[2, 1] < -0.1
    np.testing.assert_allclose(
        deep.numpy()[2], -0.5 * np.array([0.09, 2]) / np.sqrt(0.1 + np.array([0.09, 2]) ** 2), 1e-5
    )
    assert set(ftrl.slots(wide)) == {"accumulator", "linear"}
    assert set(adagrad.slots(deep)) == {"accumulator"}
    np.testing.assert_allclose(ftrl.slots(wide)["linear"][2], [0.09, 2.0], rtol=1e-6)
    np.testing.assert_allclose(
        adagrad.slots(deep)["accumulator"][2], 0.1 + np.array([0.09, 2.0]) ** 2, rtol=1e-6
    )
    assert not wide.numpy()[[0, 1, 3]].any()
    assert not deep.numpy()[[0, 1, 3]].any()


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["wide_.*"], "variable 'deep/table' matches 0 of the patterns"),
        (["wide_.*", "deep/.*", ".*table"], "matches 2 of the patterns|matches 3 of"),
        (["wide_.*", "deep/.*", "depe/.*"], "the pattern 'depe/.*' matches no variable"),
        (["wide_", "deep/.*"], "the pattern 'wide_' matches no variable"),
    ],
)
def test_patterns_that_do_not_part_the_variables_are_refused(patterns, message):
    optimizer = optimizer_per_group({pattern: Adagrad(0.1) for pattern in patterns})
    with pytest.raises(ValueError, match=message):
        optimizer.build(variables("wide_cross/table", "deep/table"))


def test_no_pattern_at_all_is_refused():
    with pytest.raises(ValueError, match="expected at least one pattern"):
        optimizer_per_group({})


def make_model():
    columns = (CategoricalColumn("user_id", 30, group="user"),)
    inputs = build_inputs(columns)
    vectors = FusedEmbedding(columns, 4, name="deep")(inputs)["user"]
    deep = keras.layers.Dense(1, name="deep_logit")(vectors[:, 0])
    return keras.Model(inputs, PredictionHead()([linear_logit(inputs, columns, "wide"), deep]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Adam(0.05),
        lambda: Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)),
        lambda: optimizer_per_group(
            {"wide/.*": Ftrl(0.5, l1_regularization_strength=1e-3), "(?!wide/).*": Adagrad(0.1)}
        ),
    ],
    ids=["adam", "schedule", "per group"],
)
def test_a_saved_optimizer_goes_on_to_the_same_bits(tmp_path, make):
    rng = np.random.default_rng(3)
    batches = [(rng.integers(0, 30, 16), rng.integers(0, 2, 16)) for _ in range(6)]

    def step(model, part):
        for ids, label in part:
            model.train_on_batch({"user_id": ids.astype(np.int32)}, label.astype(np.float32))

    model = make_model()
    model.compile(make(), loss="binary_crossentropy")
    step(model, batches[:3])
    model.save(tmp_path / "model.keras")
    step(model, batches[3:])
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("deep").table.rowwise
    step(loaded, batches[3:])
    for first, second in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(first, second, err_msg=first.path)
    for first, second in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(first, second, err_msg=first.path)
