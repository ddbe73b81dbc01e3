"""Chapter 05: models that predict several things about one impression."""

from rows.checked import Checked, on


def _checked(*first, each="", stops=(), **acts):
    """A row; ``first``: layers that read the features, with DIN's unit in front of them.

    ``each``: what ends the names of features and units, where there are several.
    """
    attention = {"interest": "attention"}
    features, weights, interest = (
        f"{name}{each}" for name in ("features", "history_weights", "interest")
    )
    unit = {
        "interest": on(features, weights, interest, value="attention"),
        "scale": on(weights, value="length", **attention),
        "product": on(features, *first, **attention),
        "attention_units": on(weights, **attention),
        "attention_activation": on(weights, **attention),
        "histories": on(weights, interest, **attention),
    }
    return Checked(unit | acts, stops=stops, needs_network=True)


_CGC = {name: on("experts_*", "gates_*") for name in ("num_task_experts", "num_shared_experts")}

ROWS = {
    "shared_bottom": _checked(
        "shared_bottom", bottom_activation=on("shared_bottom", value="sigmoid")
    ),
    "omoe": _checked("experts"),
    "mmoe": _checked("experts", one_gate=on("gates")),
    "cgc": _checked("experts_1", **_CGC),
    "ple": _checked("experts_1", num_levels=on("towers"), **_CGC),
    "esmm": _checked("click_tower", "cvr_tower"),
    "aitm": _checked("towers", calibrator_weight=on("alpha", value=2.0)),
    "stem": _checked(
        "experts",
        each="*",
        stops=("mixtures",),
        num_task_experts=on("experts", "gates"),
        num_shared_experts=on("experts", "gates"),
    ),
}
