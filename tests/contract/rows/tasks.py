"""Chapter 05: models that predict several things about one impression."""

from rows.checked import Checked, on


def _checked(*first, **acts):
    """A row; ``first``: layers that read the features, with DIN's unit in front of them."""
    attention = {"interest": "attention"}
    unit = {
        "interest": on("features", "history_weights", "interest", value="attention"),
        "scale": on("history_weights", value="length", **attention),
        "product": on("features", *first, **attention),
    }
    for name in ("attention_units", "attention_activation", "histories"):
        unit[name] = on(**attention)
    return Checked(unit | acts, needs_network=True)


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
}
