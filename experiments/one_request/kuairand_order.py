"""Order within a user's rows on KuaiRand: does the loss matter, and the model under the right loss?

Every network has a prior for ids by their rows among its options, in each arm the same values; a
run stops and is chosen by GAUC of the user's rows, on two days of validation that hold twenty
thousand pairs. What is known of a user is held at the user's first row, for between two visits it
moves with the user's own labels; within pages of one surface it is held from pause to pause.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better
from experiments.engine.declaration import Experiment
from experiments.sequence._logs import (
    COUNTED,
    COUNTED_LINEAR,
    DEEP,
    HEAD,
    REFERENCES,
    WIDER_TREES,
)
from experiments.sequence.kuairand import READ, REQUEST

LOSSES = {
    "rows": "rows",
    "pairs": "pairs:user",
    "list": "list:user",
    "JRC": "jrc:user",
}


def arm(name: str, model: str, loss: str, **more: Any) -> Arm:
    """A model under a loss; rows is what it has without a word beside its name."""
    options = more.pop("options", {}) | ({} if loss == "rows" else {"objective": LOSSES[loss]})
    said = name if loss == "rows" else f"{name}, {loss}"
    return Arm(name=said, model=model, options=options, **more)


def networks() -> list[Arm]:
    """The three networks under the losses that are asked of them."""
    wanted = {
        ("DNN", "dnn"): (("rows", "pairs", "list", "JRC"), DEEP, REQUEST),
        ("DCN-V2", "dcn_v2"): (("rows", "pairs", "JRC"), {"embedding_dim": 8}, REQUEST),
        ("DIN", "din"): (("rows", "pairs", "JRC"), HEAD | {"attention_units": (16,)}, READ),
    }
    return [
        arm(name, key, loss, options=options, columns=columns, space=COUNTED)
        for (name, key), (losses, options, columns) in wanted.items()
        for loss in losses
    ]


def linear(said: str, loss: str, **options: Any) -> Arm:
    """A logistic regression under a loss."""
    return arm(said, "lr", loss, options=options, columns=REQUEST, space=COUNTED_LINEAR)


EXPERIMENT = Experiment(
    identifier="one_request.kuairand_order",
    question="On KuaiRand, does a loss over pairs of a user order the user's rows better?",
    data="kuairand_pure",
    split="days",
    knobs={"max_history": 10, "gap": "30min", "valid_days": 2},
    references=REFERENCES,
    arms=[
        linear("logistic regression", "rows"),
        linear("logistic regression", "pairs"),
        linear("free levels", "rows", free=("user_id",)),
        *networks(),
        Arm(
            name="trees",
            model="experiments.estimators:trees_on_ids",
            space=WIDER_TREES,
            columns=REQUEST,
        ),
        Arm(
            name="trees, pairs",
            model="experiments.one_request._pair_trees:trees_in_pairs",
            space=WIDER_TREES,
            columns=REQUEST,
        ),
    ],
    contrasts=[
        better(
            "pairs_help_lines",
            "A logistic regression on pairs of a user orders the user's rows better.",
            "logistic regression, pairs",
            "logistic regression",
            measure="gauc",
        ),
        better(
            "pairs_help_networks",
            "A network on pairs of a user orders the user's rows better.",
            "DNN, pairs",
            "DNN",
            measure="gauc",
        ),
        better(
            "pairs_help_crosses",
            "Crosses on pairs of a user order the user's rows better.",
            "DCN-V2, pairs",
            "DCN-V2",
            measure="gauc",
        ),
        better(
            "pairs_help_readers",
            "A reader of the history on pairs of a user orders the user's rows better.",
            "DIN, pairs",
            "DIN",
            measure="gauc",
        ),
        better(
            "pairs_lead_free_levels",
            "Pairs are ahead of rows with a free level for each user.",
            "logistic regression, pairs",
            "free levels",
            measure="gauc",
        ),
        better(
            "history_helps_under_pairs",
            "Under pairs, the history is worth something for the order.",
            "DIN, pairs",
            "DNN, pairs",
            measure="gauc",
        ),
    ],
    fit={"epochs": 12, "batch_size": 2048, "patience": 3},
    protocol=3,
    group="user",
)
