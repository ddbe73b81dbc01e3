"""``diagram``: what it draws of a model, and what it leaves out."""

import re

import keras
import pytest
from keras import ops

from recsys_book.pictures import diagram
from recsys_book.pictures.automatic import drawing
from recsys_book.pictures.examples import example, example_columns
from recsys_book.pictures.layout import place, rows_of
from recsys_book.pictures.parts import WIDEST
from recsys_lib.features import CategoricalColumn, NumericColumn
from recsys_lib.memorization import build_wide_and_deep
from recsys_lib.zoo import MODELS, find


def arrows_of(found):
    """Arrows by the first line of their boxes' labels, and the label of each."""
    names = {box.key: box.lines[0] for box in found.boxes}
    return {(names[arrow.source], names[arrow.target]): arrow.label for arrow in found.arrows}


@pytest.mark.parametrize("row", MODELS, ids=lambda row: row.key)
def test_every_model_is_drawn_without_a_problem(row):
    model = example(row)
    found = drawing(model)
    assert found.problems() == []
    assert found.size[0] <= WIDEST
    shown = [box.lines[0] for box in found.boxes]
    for layer in model.layers:
        # Whatever has weights is there; a head that is called twice is one box.
        if layer.weights:
            assert any(line == layer.name or "…" in line for line in shown), layer.name


def test_din_is_what_its_paper_shows():
    assert arrows_of(drawing(example(find("din")))) == {
        ("history, categories,", "embedding"): "",
        ("embedding", "candidate"): "32",
        ("embedding", "behaviours"): "20 × 32",
        ("embedding", "deep"): "",
        ("candidate", "din_weights"): "32",
        ("behaviours", "din_weights"): "20 × 32",
        ("din_weights", "din_interest"): "20",
        ("behaviours", "din_interest"): "",
        ("candidate", "deep"): "",
        ("din_interest", "deep"): "32",
        ("price", "deep"): "1",
        ("deep", "deep_logit"): "32",
        ("deep_logit", "click"): "1",
    }


def test_a_table_reads_its_own_columns_only():
    columns = [CategoricalColumn("a", 5), CategoricalColumn("b", 5), NumericColumn("x")]
    model = build_wide_and_deep(columns, embedding_dim=2, hidden_units=(3,))
    found = arrows_of(drawing(model))
    readers = {target for source, target in found if source == "x"}
    assert readers == {"wide_linear_numeric", "deep_all"}
    assert {t for s, t in found if s == "a, b"} == {"wide_linear", "wide_cross", "deep_embedding"}


def own_model():
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = keras.layers.Dense(3, name="shared")
    both = ops.concatenate([shared(left), shared(right)], axis=-1)
    mixed = keras.layers.Dropout(0.5)(keras.layers.Reshape((2, 3))(both))
    summed = ops.sum(mixed, axis=1)
    gate = ops.sigmoid(ops.mean(mixed, axis=1))
    out = keras.layers.Dense(1, name="out")(summed * gate)
    return keras.Model([left, right], out, name="own")


def test_a_readers_own_model_keeps_what_computes_and_loses_what_moves():
    found = drawing(own_model())
    assert set(arrows_of(found)) == {
        ("left", "shared"),
        ("right", "shared"),
        ("shared", "Sum"),
        ("shared", "Mean"),
        ("Mean", "Sigmoid"),
        ("Sum", "×"),
        ("Sigmoid", "×"),
        ("×", "out"),
    }
    assert arrows_of(found)["×", "out"] == "3"
    # The second call of a layer says so; both are there.
    assert sorted(box.lines[1] for box in found.boxes if box.lines[0] == "shared") == [
        "Dense",
        "Dense, again",
    ]
    assert found.problems() == []


def test_a_sequential_model_is_drawn():
    layers = [keras.Input((3,), name="x"), keras.layers.Dense(2, name="hidden")]
    model = keras.Sequential([*layers, keras.layers.Dense(1, name="out")], name="plain")
    found = diagram(model)
    assert repr(found) == (
        "plain. A model with 1 input and 2 layers. Arrows: x → hidden Dense (3); "
        "hidden Dense → out Dense (2)."
    )


def test_many_inputs_share_a_box_and_wide_rows_are_cut():
    inputs = [keras.Input((1,), name=f"number_{place}") for place in range(24)]
    towers = [
        keras.layers.Dense(2, name=f"a_network_of_its_own_{place}")(
            ops.concatenate(inputs[2 * place : 2 * place + 4], axis=-1)
        )
        for place in range(10)
    ]
    model = keras.Model(inputs, keras.layers.Dense(1, name="out")(ops.concatenate(towers, -1)))
    found = drawing(model)
    assert found.size[0] <= WIDEST
    # Two dozen inputs of eleven boxes leave no room to keep all lines apart; boxes stay free.
    assert [problem for problem in found.problems() if "lie on each other" not in problem] == []


class Subclass(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("din", "diagram: expected a keras.Model, got str"),
        (Subclass(name="mine"), "got 'mine', which is a subclass or not built"),
    ],
)
def test_what_has_no_graph_is_refused_in_one_line(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        diagram(given)


def test_a_picture_is_the_same_for_the_same_model():
    row = find("fm")
    first = diagram(example(row))
    again = diagram(row.build(example_columns(row), "click"))
    assert (first.svg, first.png) == (again.svg, again.png)


def test_rows_stand_above_what_they_read_and_inputs_just_below():
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("late", "c")]
    widths = dict.fromkeys("abc", 100.0) | {"late": 100.0}
    assert rows_of(widths, edges, widths, 500) == {"a": 0, "b": 1, "c": 2, "late": 1}
    many = [f"n{place}" for place in range(6)]
    widths = dict.fromkeys(many, 100.0) | {"top": 100.0}
    rows = rows_of(widths, [(key, "top") for key in many], widths, 400)
    assert [list(rows.values()).count(row) for row in range(3)] == [3, 3, 1]


def test_places_of_one_row_do_not_overlap_and_crossings_are_undone():
    edges = [("a", "y"), ("b", "x"), ("x", "end"), ("y", "end"), ("a", "end")]
    widths = dict.fromkeys(["a", "b", "x", "y"], 90.0) | {"end": 90.0}
    middles, bends = place(widths, edges, widths, 600)
    assert (middles["a"][0] < middles["b"][0]) == (middles["y"][0] < middles["x"][0])
    assert abs(middles["x"][0] - middles["y"][0]) >= 90
    ((bend, row),) = bends["a", "end"]
    assert row == 1 and all(abs(bend - middles[key][0]) > 45 for key in "xy")
