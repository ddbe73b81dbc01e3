"""ESMM: the product, the shared table, a loss that a confident mistake still moves, the funnel."""

import keras
import numpy as np
import pytest
from reference import randomize, sigmoid
from tiny_tasks import COLUMNS, FEATURES, NUM_ROWS, WIDTH, by_name, gradients_of

from recsys_lib.data import Dataset, Split
from recsys_lib.multi_task import build_esmm
from recsys_lib.training import Trainer, fit

TASKS = ("click", "buy")


def make_data(clicks, buys, tasks=TASKS, **parts):
    """Three equal splits of the tiny rows."""
    labels = dict(zip(tasks, (np.float32(clicks), np.float32(buys)), strict=True))
    splits = {
        name: Split(
            features=FEATURES,
            labels=labels,
            group=np.arange(NUM_ROWS),
            row_id=np.arange(NUM_ROWS) + position * NUM_ROWS,
            **parts,
        )
        for position, name in enumerate(("train", "valid", "test"))
    }
    return Dataset("funnel", COLUMNS, **splits, tasks=dict.fromkeys(tasks, "binary"))


def make_model(tasks=TASKS, **options):
    return randomize(
        build_esmm(COLUMNS, tasks, embedding_dim=WIDTH, hidden_units=(5, 4), **options)
    )


def test_esmm_multiplies_the_two_probabilities_and_shares_the_table():
    model = make_model(("click", "conversion"))
    click, given = by_name(model, "click"), by_name(model, "conversion_given_click")
    outputs = model(FEATURES)
    np.testing.assert_allclose(outputs["conversion"], click * given, rtol=1e-6)
    assert (np.asarray(outputs["conversion"]) < np.asarray(outputs["click"])).all()
    assert list(outputs) == ["click", "conversion"]
    assert sum("table" in v.path for v in model.trainable_variables) == 1
    towers = [p for p, g in gradients_of(model, "click").items() if g is None]
    assert {path.split("/")[0] for path in towers} == {
        "cvr_tower",
        "cvr_tower_logit",
        "conversion_given_click",
    }
    # All impressions train both towers, through the product.
    assert all(g is not None for g in gradients_of(model, "conversion").values())


@pytest.mark.parametrize(
    ("a", "b", "click", "buy"), [(40, 40, 1, 0), (40, -40, 1, 1), (-40, 40, 0, 0), (-40, -40, 1, 1)]
)
def test_a_step_of_training_moves_the_biases_by_the_slopes_of_the_logits(a, b, click, buy):
    """In the compiled step, where a clipped probability would leave the biases where they are."""
    model = build_esmm(COLUMNS, TASKS, embedding_dim=WIDTH, hidden_units=(4,))
    for variable in model.trainable_variables:
        variable.assign(0.0 * variable)
    biases = [model.get_layer(name).bias for name in ("click", "conversion_given_click")]
    for bias, value in zip(biases, (a, b), strict=True):
        bias.assign(float(value))
    clicks, buys = np.full(NUM_ROWS, click), np.full(NUM_ROWS, buy)
    trainer = Trainer(model, make_data(clicks, buys), keras.optimizers.SGD(1.0))
    before = [float(bias.numpy()) for bias in biases]
    ids, numbers = trainer.layout.pack(FEATURES)
    labels = np.stack([clicks, buys], axis=1).astype(np.float32)
    loss = trainer.train_on_batch(ids, numbers, labels)[trainer.columns.index("loss_buy")]
    a, b = np.float64(a), np.float64(b)
    others = np.exp(-a) + np.exp(-b) + np.exp(-a - b)  # (1 - p) / p
    of_click = sigmoid(a) - click
    if buy:
        slopes, expected = (of_click - sigmoid(-a), -sigmoid(-b)), np.log1p(others)
    else:
        slopes = (of_click + sigmoid(-a) / others, sigmoid(-b) / others)
        expected = np.log1p(1 / others)
    assert float(loss) == pytest.approx(expected, rel=1e-5, abs=1e-7)
    for bias, value, slope in zip(biases, before, slopes, strict=True):
        assert float(bias.numpy()) - value == pytest.approx(-slope, abs=1e-5)


CLICKS = np.array([1, 0, 1, 0, 1, 0, 1])


def test_training_refuses_a_conversion_without_a_click():
    data = make_data(CLICKS, [1, 0, 0, 1, 0, 0, 1])
    message = "fit, train: model 'esmm' takes 'buy' for a part of 'click', .* got 1 rows: 3"
    with pytest.raises(ValueError, match=message):
        fit(make_model(), data, epochs=1)
    # Where that row's click was not observed, there is nothing to refuse.
    masked = make_data(CLICKS, [1, 0, 0, 1, 0, 0, 1], label_masks={"click": np.arange(7) != 3})
    fit(make_model(), masked, epochs=1, patience=None)


def test_a_funnel_of_rising_labels_trains():
    data = make_data(CLICKS, [1, 0, 0, 0, 1, 0, 1])
    history = fit(make_model(), data, keras.optimizers.SGD(0.5), epochs=30, patience=None)
    losses = history.epochs[["loss_click", "loss_buy"]].to_numpy()
    assert (losses[-1] < losses[0]).all()


def test_every_tower_gets_the_options():
    model = make_model(activation="tanh", dropout_rate=0.25, batch_normalization=True)
    for tower in ("click_tower", "cvr_tower"):
        layer = model.get_layer(tower)
        assert layer.get_config()["activation"] == "tanh"
        assert (layer.dropout_rate, layer.batch_normalization) == (0.25, True)


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        ("click", {}, "tasks: expected 2 tasks, got .'click'."),
        (("click", "click"), {}, "tasks: expected different names"),
        ({"click": "binary", "minutes": "regression"}, {}, "task 'minutes': expected 'binary'"),
        (TASKS, {"hidden_units": ()}, "hidden_units: expected at least 1 layer"),
    ],
)
def test_bad_arguments_are_named(tasks, options, message):
    with pytest.raises(ValueError, match=message):
        build_esmm(COLUMNS, tasks, **options)
