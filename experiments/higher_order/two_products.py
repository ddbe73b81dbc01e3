"""Two products of three signs, added: what one number a layer can say, and what a matrix can.

DCN's highest degree is one product of sums. A matrix of rank two has room for two products. All
crosses have two layers, enough for three columns, and no network. What is asked was
declared in log loss; training stops by AUC, in which ``degree`` asks.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level, not_worse
from experiments.engine.declaration import Experiment
from experiments.higher_order.degree import CROSSES, FIT, SIGNS, SPACE, TWO_OF_ATTENTION, WIDTH

TWO_LAYERS = CROSSES | {"num_cross_layers": 2}
LOSS: dict[str, Any] = {"measure": "log_loss_gap", "margin": 5.0}

EXPERIMENT = Experiment(
    identifier="higher_order.two_products",
    question="Which crosses reach two products of three columns at once?",
    lens="higher_order",
    knobs=SIGNS | {"order": 3, "products": 2},
    headline="a_matrix_pays",
    arms=[
        Arm(name="DCN", model="dcn", space=SPACE, options=TWO_LAYERS),
        Arm(name="DCN-V2", model="dcn_v2", space=SPACE, options=TWO_LAYERS),
        Arm(name="rank 1", model="dcn_v2", space=SPACE, options=TWO_LAYERS | {"rank": 1}),
        Arm(name="rank 2", model="dcn_v2", space=SPACE, options=TWO_LAYERS | {"rank": 2}),
        Arm(
            name="DCN-Mix",
            model="dcn_mix",
            space=SPACE,
            options=TWO_LAYERS | {"num_experts": 2, "rank": 1},
        ),
        Arm(
            name="CIN",
            model="cin",
            space=SPACE,
            options=WIDTH | {"cin_layer_sizes": (16, 16)},
            side=True,
        ),
        TWO_OF_ATTENTION,
        Arm(
            name="deep",
            model="dnn",
            space=SPACE,
            options=WIDTH | {"hidden_units": (64, 32)},
            side=True,
        ),
    ],
    contrasts=[
        better(
            "a_matrix_pays",
            "On two products, cross layers with a matrix are ahead of those with one number.",
            "DCN-V2",
            "DCN",
            **LOSS,
        ),
        better(
            "rank_one_is_more_than_a_number",
            "A matrix of rank one is ahead of one number.",
            "rank 1",
            "DCN",
            **LOSS,
        ),
        better(
            "the_second_rank_pays",
            "A matrix of rank two is ahead of one of rank one.",
            "rank 2",
            "rank 1",
            **LOSS,
        ),
        level(
            "rank_two_is_enough",
            "A matrix of rank two is level with a whole matrix.",
            "rank 2",
            "DCN-V2",
            **LOSS,
        ),
        not_worse(
            "two_experts_are_a_second_rank",
            "Two experts of rank one are not behind one matrix of rank two.",
            "DCN-Mix",
            "rank 2",
            **LOSS,
        ),
        not_worse(
            "vectors_do_as_well",
            "CIN is not behind cross layers with a matrix.",
            "CIN",
            "DCN-V2",
            **LOSS,
        ),
        not_worse(
            "attention_does_as_well",
            "Attention of two layers is not behind cross layers with a matrix.",
            "AutoInt, two layers",
            "DCN-V2",
            **LOSS,
        ),
        not_worse(
            "crosses_need_no_network",
            "Cross layers with a matrix are not behind a network.",
            "DCN-V2",
            "deep",
            **LOSS,
        ),
    ],
    fit=FIT,
    protocol=2,
)
