"""Wrong sketches, as somebody might draw them, are rejected for what is wrong in them."""

import re

import keras
import numpy as np
import pytest

from recsys_book.pictures.arrows import Boxes, faults
from recsys_book.pictures.examples import example
from recsys_book.pictures.families import FAMILIES
from recsys_book.pictures.graph import Graph
from recsys_book.pictures.interventions import changes
from recsys_book.pictures.naming import resolve
from recsys_book.pictures.plan import PlannedArrow
from recsys_book.pictures.registry import plan_of
from recsys_book.pictures.sketching import checked
from recsys_lib.layers.network_stack import Mixture, NetworkStack
from recsys_lib.zoo import find


def right(key):
    row = find(key)
    return plan_of(row, example(row))


def without(plan, *boxes, arrows=()):
    """The plan without boxes and their arrows, or without arrows such as ``"a > b"``."""
    for box in boxes:
        del plan.boxes[box]
    cut = {tuple(arrow.split(" > ")) for arrow in arrows}
    plan.planned_arrows = [
        arrow
        for arrow in plan.planned_arrows
        if not {arrow.source, arrow.target} & set(boxes)
        if (arrow.source, arrow.target) not in cut
    ]
    return plan


def plus(plan, *arrows):
    for arrow in arrows:
        plan.arrows(arrow)
    return plan


def renamed(plan, **places):
    """The plan with boxes that stand for other layers."""
    for key, place in places.items():
        old = vars(plan.boxes[key]) | {"places": tuple(place.split())}
        plan.boxes[key] = type(plan.boxes[key])(**old)
    return plan


def turned(plan, arrow):
    """The plan with an arrow the other way round."""
    source, target = arrow.split(" > ")
    plan = without(plan, arrows=[arrow])
    plan.planned_arrows.append(PlannedArrow(target, source))
    return plan


NO_WAY, NOT_DRAWN = "the model has no such path", "the model has it, the sketch does not"
EXPERTS = "layer 'experts': expected boxes for all 4 parts, got 2"

WRONG = {
    "a forgotten arrow": (
        "din",
        lambda: without(right("din"), arrows=["candidate > deep"]),
        [f"arrow candidate > deep: {NOT_DRAWN}"],
    ),
    "an invented arrow": (
        "din",
        lambda: plus(right("din"), "rest > unit"),
        [f"arrow rest > unit: {NO_WAY}"],
    ),
    "an arrow the wrong way round": (
        "din",
        lambda: turned(right("din"), "unit > interest"),
        [f"arrow interest > unit: {NO_WAY}", f"arrow unit > interest: {NOT_DRAWN}"],
    ),
    "a shortcut past a box": (
        "dien",
        lambda: plus(right("dien"), "states > deep"),
        [f"arrow states > deep: {NO_WAY}"],
    ),
    "two layers confused": (
        "din",
        lambda: renamed(right("din"), unit="din_interest", interest="din_weights"),
        [f"arrow candidate > unit: {NO_WAY}", f"arrow interest > deep: {NO_WAY}"],
    ),
    "a layer left out": (
        "dsin",
        lambda: without(right("dsin"), "lstm"),
        ["layer 'session_states': expected a box", f"arrow block > state: {NOT_DRAWN}"],
    ),
    "a box for no layer": (
        "din",
        lambda: renamed(right("din"), unit="din_weight"),
        ["box 'unit': 'din_weight': expected a layer of model 'din'"],
    ),
    "a box for no layer inside a layer": (
        "bst",
        lambda: renamed(right("bst"), attention="bst_block/attentions"),
        ["box 'attention': 'bst_block/attentions': expected one of"],
    ),
    "a box for no weights": (
        "star",
        lambda: renamed(right("star"), own="star#own"),
        ["box 'own': 'star#own': expected one of"],
    ),
    "a box for a task that is not there": (
        "mmoe",
        lambda: renamed(right("mmoe"), gate1="gates[2]"),
        ["box 'gate1': 'gates[2]': expected a position below 2"],
    ),
    "columns left out": (
        "din",
        lambda: without(right("din"), "rest"),
        ["box 'deep': also reads 'hour', for which no box stands"],
    ),
    "an output left out": (
        "mmoe",
        lambda: without(right("mmoe"), "p1"),
        ["output 'like': expected a box"],
    ),
    "gates of the tasks confused": (
        "mmoe",
        lambda: renamed(right("mmoe"), gate0="gates[1]", gate1="gates[0]"),
        [f"arrow gate0 > mix0: {NO_WAY}", f"arrow gate0 > mix1: {NOT_DRAWN}"],
    ),
    "one gate for all where each task has its own": (
        "mmoe",
        lambda: plus(right("mmoe"), "gate0 > mix1"),
        [f"arrow gate0 > mix1: {NO_WAY}"],
    ),
    "experts left out": ("mmoe", lambda: without(right("mmoe"), "middle"), [EXPERTS]),
    "another task's experts": (
        "cgc",
        lambda: plus(right("cgc"), "own11 > mix01"),
        [f"arrow own11 > mix01: {NO_WAY}"],
    ),
    "a shared gate that sees the shared experts only": (
        "ple",
        lambda: without(right("ple"), arrows=["own01 > mixture", "own11 > mixture"]),
        [f"arrow own01 > mixture: {NOT_DRAWN}", f"arrow own11 > mixture: {NOT_DRAWN}"],
    ),
    "a residual left out inside a layer": (
        "bst",
        lambda: without(right("bst"), arrows=["first > second"]),
        [f"arrow first > second: {NOT_DRAWN}"],
    ),
    "weights of another layer": (
        "star",
        lambda: plus(right("star"), "own > aux"),
        [f"arrow own > aux: {NO_WAY}"],
    ),
    "a conversion that does not read the click": (
        "esmm",
        lambda: without(right("esmm"), arrows=["p0 > p1"]),
        [f"arrow p0 > p1: {NOT_DRAWN}"],
    ),
    "a written core that reads the features": (
        "apg",
        lambda: plus(right("apg"), "x > core1"),
        [f"arrow x > core1: {NO_WAY}"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_sketch_is_rejected(name):
    key, plan, expected = WRONG[name]
    row = find(key)
    with pytest.raises(ValueError) as failed:
        checked(plan(), example(row))
    said = str(failed.value)
    assert all(line in said for line in expected), said
    assert "\n" not in said


def test_exactly_what_is_wrong_is_told():
    row = find("din")
    graph = Graph(example(row))
    assert faults(Boxes(right("din"), graph)) == []
    plan = without(plus(right("din"), "rest > unit"), arrows=["candidate > deep"])
    assert faults(Boxes(plan, graph)) == [
        f"arrow rest > unit: {NO_WAY}",
        f"arrow candidate > deep: {NOT_DRAWN}",
    ]


def test_an_optional_arrow_is_drawn_where_it_is_true_and_forgives_nothing_else():
    row = find("din")
    plan = plus(right("din"), "rest >? unit", "candidate >? interest")
    drawing = checked(plan, example(row))
    assert ("rest", "unit") not in {(arrow.source, arrow.target) for arrow in drawing.arrows}
    plan = plus(without(right("din"), arrows=["candidate > deep"]), "candidate >? deep")
    drawing = checked(plan, example(row))
    assert ("candidate", "deep") in {(arrow.source, arrow.target) for arrow in drawing.arrows}


def test_interventions_find_who_acts_on_whom():
    """Three networks; the second mixture sees two of them. Zero weights hide nothing."""
    x = keras.Input((4,), name="x")
    gates = keras.layers.Dense(2, name="gate")(x)
    networks = NetworkStack(3, (2,), name="networks")(x)
    both = keras.ops.stack([gates, gates], axis=1)
    mixed = Mixture(seen=((0, 1), (1, 2)), name="mixed")(both, networks)
    model = keras.Model(x, mixed)
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    graph = Graph(model)
    names = ["input:x", "networks[0]", "networks[1]", "networks[2]", "mixed[0]", "mixed[1]"]
    places = {name: (resolve(graph, name),) for name in [*names, "gate", "networks#kernel_0"]}
    found = changes(graph, places)
    assert found == {
        ("input:x", "gate"),
        *(("input:x", f"networks[{n}]") for n in range(3)),
        *(("networks#kernel_0", f"networks[{n}]") for n in range(3)),
        ("gate", "mixed[0]"),
        ("gate", "mixed[1]"),
        ("networks[0]", "mixed[0]"),
        ("networks[1]", "mixed[0]"),
        ("networks[1]", "mixed[1]"),
        ("networks[2]", "mixed[1]"),
    }
    assert all(not np.any(weight.numpy()) for weight in model.weights)


class Subclass(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("din", "sketch: expected a keras.Model, got str"),
        (Subclass(name="mine"), "got 'mine', which is a subclass or not built"),
    ],
)
def test_what_has_no_graph_is_refused_in_one_line(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        checked(right("din"), given)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a b", "'a b': expected a layer of model 'din'"),
        ("[0]", "'[0]': expected a name such as"),
        ("deep[0]", "'deep[0]': expected an output of several parts"),
        ("output[1]", "'output[1]': expected a layer"),
        ("din_weights/net", "'din_weights/net': expected one of ['network'"),
        ("behaviours[g0]", "'behaviours[g0]': expected a group below 0"),
    ],
)
def test_names_of_no_place_are_refused_in_one_line(name, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        resolve(Graph(example(find("din"))), name)


def test_names_stand_for_places():
    graph = Graph(example(find("din")))
    assert resolve(graph, "deep_normalization?") is None
    assert [vertex.block for vertex in resolve(graph, "embedding:history").vertices] == ["history"]
    assert len(resolve(graph, "embedding:*").vertices) == len(resolve(graph, "embedding").vertices)
    assert [v.name for v in resolve(graph, "ActivationUnit").vertices] == ["din_weights"]
    assert {v.name for v in resolve(graph, "din_*").vertices} == {"din_weights", "din_interest"}
    assert resolve(graph, "output[0]").vertices == resolve(graph, "output").vertices
    assert resolve(graph, "din_weights/network/dense_0").inner.name == "dense_0"
    mixture = Graph(example(find("mmoe")))
    assert resolve(mixture, "experts[1:-1]").part == slice(1, -1)
    assert resolve(mixture, "experts[4:]") is None
    assert resolve(Graph(example(find("cgc"))), "experts_1[g2]").part == slice(4, 6)


def test_a_small_panel_that_searches_by_other_scores_than_it_attends_by_is_no_twin():
    plan = without(FAMILIES["searches"].panels["twin"](), arrows=["scores > attention"])
    with pytest.raises(ValueError, match=re.escape(f"arrow scores > attention: {NOT_DRAWN}")):
        checked(plan, example(find("twin")))
