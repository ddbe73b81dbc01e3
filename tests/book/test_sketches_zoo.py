"""The sketch of every model of the zoo, and the pictures of families and ways."""

import re

import keras
import numpy as np
import pytest

from recsys_book import sketch
from recsys_book.pictures import days_way, family, request_way, serving_way
from recsys_book.pictures.arrows import Boxes, shape_between
from recsys_book.pictures.examples import example, example_columns
from recsys_book.pictures.families import FAMILIES, panels
from recsys_book.pictures.flow_pictures import (
    days_drawing,
    request_drawing,
    serving_drawing,
)
from recsys_book.pictures.graph import Graph
from recsys_book.pictures.parts import WIDEST
from recsys_book.pictures.plan import Plan
from recsys_book.pictures.registry import drawing, plan_of
from recsys_lib.features import CategoricalColumn, SequenceColumn
from recsys_lib.zoo import MODELS, find, style


@pytest.mark.parametrize("row", MODELS, ids=lambda row: row.key)
def test_the_sketch_says_of_its_model_what_is_true_and_is_well_drawn(row):
    found = drawing(row.key, example(row))
    assert found.problems() == []
    assert found.size[0] <= WIDEST
    assert found.title == row.name
    assert any(box.kind == "output" for box in found.boxes)
    assert any(arrow.label for arrow in found.arrows)


def test_shapes_come_from_the_model():
    columns = [
        CategoricalColumn("movie", 9, group="item"),
        CategoricalColumn("user", 9, group="user"),
        SequenceColumn("history", 9, 7, table="movie"),
    ]
    for dim, steps in ((3, 7), (5, 7)):
        model = find("din").build(columns, "click", embedding_dim=dim, attention_units=(2,))
        said = repr(sketch("din", model))
        assert f"activation unit w_j = a(e_j, v) ({steps} × {dim})" in said
        assert f"other columns → network ({dim})" in said


def test_a_shape_is_that_of_what_one_box_hands_on():
    row = find("ranker")
    boxes = Boxes(plan_of(row, example(row)), Graph(example(row)))
    assert shape_between(boxes, "interest", "x") == (32,)
    assert shape_between(boxes, "experts", "mix0") == (4, 32)
    assert shape_between(boxes, "gate1", "mix1") == (4,)
    # The head reads the probability and the logit behind it: two tensors, no one shape.
    assert shape_between(boxes, "after", "p1") is None


@pytest.mark.parametrize("row", MODELS, ids=lambda row: row.key)
def test_what_is_only_weighed_and_added_up_is_no_network(row):
    plans = [plan_of(row, example(row))]
    plans += [family.panels[row.key]() for family in FAMILIES.values() if row.key in family.panels]
    for plan in plans:
        for key, places in Boxes(plan, Graph(example(row))).places.items():
            if plan.boxes[key].kind == "network":
                layers = [place.inner or place.vertices[0].operation for place in places]
                shapes = [one.shape for layer in layers for one in getattr(layer, "weights", ())]
                assert any(shape and shape[-1] > 1 for shape in shapes), key


def test_a_regression_is_called_by_its_name_and_losses_stand_behind_the_model():
    row = find("shared_bottom")
    model = row.build(example_columns(row), {"click": "binary", "watch time": "regression"})
    found = drawing("shared_bottom", model, losses=True)
    assert found.problems() == []
    said = repr(found.picture())
    assert "tower watch time → watch time (1)" in said and "tower click → p(click) (1)" in said
    assert "loss ℒ_{click} → training follows Σ ω ℒ (ω_{click})" in said
    assert "loss" not in repr(sketch("shared_bottom", model))
    one = find("fm").build(example_columns(find("fm")), {"revenue": "regression"})
    assert "→ revenue = the sum + bias" in repr(sketch("fm", one))


def test_a_part_of_the_model_has_a_place_and_a_loss_has_none():
    for kind, place in (("network", ""), ("loss", "deep")):
        with pytest.raises(ValueError, match=r"box 'a': expected places, and none for a loss"):
            Plan("P", "", 2).box("a", "a", place, kind, 0, 0)


def test_outputs_keep_the_order_of_the_tasks():
    row = find("mmoe")
    model = row.build(example_columns(row), ("zeta", "alpha"))
    said = repr(sketch("mmoe", model))
    assert "gate zeta softmax → Σ_k z_k o_k" in said
    assert "tower zeta → p(zeta) (1); tower alpha → p(alpha) (1)" in said


def test_a_model_without_numbers_or_other_columns_has_its_sketch_too():
    columns = [
        CategoricalColumn("movie", 9, group="item"),
        SequenceColumn("history", 9, 6, table="movie"),
    ]
    small = {"embedding_dim": 2, "hidden_units": (2,)}
    ids = [CategoricalColumn("movie", 9, group="item"), CategoricalColumn("user", 9, group="user")]
    assert "other columns" not in repr(sketch("din", find("din").build(columns, "click", **small)))
    assert "numbers" not in repr(sketch("dnn", find("dnn").build(ids, "click", **small)))


def test_as_many_layers_are_drawn_as_there_are():
    row = find("dcn")
    model = row.build(example_columns(row), "click", num_cross_layers=1, hidden_units=(2,))
    assert "cross layer 1" in repr(sketch("dcn", model))
    assert "cross layer 2" not in repr(sketch("dcn", model))


def test_a_model_with_a_part_more_is_refused_by_name():
    row = find("din")
    model = row.build(example_columns(row), "click", recency=True, embedding_dim=2)
    with pytest.raises(
        ValueError, match=r"model 'din': .*layer 'recency': expected a box"
    ) as failed:
        sketch("din", model)
    assert "\n" not in str(failed.value)


def test_a_sketch_leaves_the_model_as_it_was():
    row = find("mmoe")
    model = row.build(example_columns(row), ("a", "b"))
    keras.utils.set_random_seed(3)
    before = [weight.numpy() for weight in model.weights]
    calls = [layer.call for layer in model.layers]
    sketch("mmoe", model)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
    assert [layer.call for layer in model.layers] == calls


def test_zero_weights_hide_no_arrow():
    row = find("cgc")
    model = row.build(example_columns(row), ("a", "b"))
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    assert sketch("cgc", model).title == "CGC"


@pytest.mark.parametrize("name", FAMILIES)
def test_families_are_true_and_well_drawn(name):
    found = panels(name)
    assert found.problems() == []
    assert len(found.drawings) == 4
    for key in FAMILIES[name].panels:
        assert style(find(key)).color in found.picture().svg
        assert find(key).name in repr(found.picture())


def test_a_family_takes_the_shapes_of_given_models():
    columns = [
        CategoricalColumn("hour", 25, group="context"),
        CategoricalColumn("category", 9, group="item"),
        SequenceColumn("history", 9, 30, table="category"),
    ]
    searched = {"num_heads": 1, "found_steps": 10, "recency": False}
    options = {"sim": searched, "eta": searched, "twin": searched, "sdim": {}}
    models = {
        key: find(key).build(columns, "click", embedding_dim=4, product=True, **of_search)
        for key, of_search in options.items()
    }
    assert panels("searches", models).problems() == []
    said = repr(family("searches", models))
    assert "scores s_j → the R best (30 × 1), attention (30 × 1)" in said
    assert said.count("the R best → attention (10)") == 3


def test_what_sim_predicts_beside_is_for_training_alone():
    said = repr(family("searches"))
    assert said.count("second network → p(click); in training the search's, too") == 1
    assert said.count("network → p(click) (1)") == 3


@pytest.mark.parametrize("product", [False, True])
def test_din_shows_its_mask_and_the_product_where_there_is_one(product):
    row = find("din")
    model = row.build(example_columns(row), "click", product=product, embedding_dim=4)
    said = repr(sketch("din", model))
    assert "mask → activation unit" in said
    assert ("interest ∘ v → network (8)" in said) is product


def test_the_candidate_of_bst_has_a_position_and_a_profile_passes_the_block():
    columns = [
        CategoricalColumn("hour", 25, group="context"),
        CategoricalColumn("movie", 9, group="item"),
        SequenceColumn("history", 9, 6, table="movie"),
    ]
    said = repr(sketch("bst", find("bst").build(columns, "click", embedding_dim=4)))
    assert "position p_0, learned → T + 1 steps, the candidate last;" in said
    assert "profile: other columns → network over all steps (4);" in said


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=re.escape("family: expected one of ['pairs', 'gates'")):
        family("trees")
    with pytest.raises(ValueError, match=r"model: expected one of"):
        sketch("trees")


def test_one_requests_way_is_well_drawn():
    assert request_drawing().problems() == []
    said = repr(request_way())
    assert "ranker → undo the sampling" in said and "page: the ten items" in said


def test_the_short_way_shows_the_stages_and_no_formula():
    assert request_drawing(short=True).problems() == []
    said = repr(request_way(short=True))
    assert "candidates: a thousand → ranking model" in said and "log: what was shown" in said
    assert "sampling" not in said and "price" not in said


def test_the_way_to_a_service_shows_both_readers_and_the_test_between_them():
    assert serving_drawing().problems() == []
    said = repr(serving_way())
    assert "export: files, digests, golden request → onnxruntime" in said
    assert "features of training → model, skew test" in said
    assert "features of the service → onnxruntime, skew test" in said
    assert "description: ids, scales, cuts → read the request" in said


def test_the_way_through_a_day_tests_before_it_trains():
    assert days_drawing().problems() == []
    said = repr(days_way())
    assert "1. test: score today's rows → grow: table rows for new ids" in said
    assert "grow: table rows for new ids → 2. warm: train on, on today" in said
    assert "rows of earlier days → 2. fresh: a new model, all days" in said
