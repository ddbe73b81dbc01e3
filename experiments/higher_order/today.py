"""What people build today, where pairs of ids matter and a third column says which of them.

The mixed platform of chapter 02 at one half, ``second_order.mixed``: a sum over pairs cannot say
it, and a network can. Every model has vectors of twelve numbers, and every network 64 and 32 units.
The columns are of one kind, so that FinalMLP's gates are made from learned vectors.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level, not_worse
from experiments.engine.declaration import Experiment
from experiments.second_order.mixed import HALF, KNOBS, NETWORK, SPACE

CROSSES: dict[str, Any] = NETWORK | {"num_cross_layers": 2}

EXPERIMENT = Experiment(
    identifier="higher_order.today",
    question="Do the models of recent years lead DCN-V2 where three columns act together?",
    lens="second_order",
    knobs=KNOBS | {"switched": HALF},
    headline="crosses_help_the_network",
    worlds=(120, 140),
    side_worlds=(120, 130),
    arms=[
        Arm(name="DCN-V2", model="dcn_v2", space=SPACE, options=CROSSES),
        Arm(name="deep", model="dnn", space=SPACE, options=NETWORK),
        Arm(name="GDCN-P", model="gdcn_p", space=SPACE, options=CROSSES),
        Arm(name="FinalMLP", model="finalmlp", space=SPACE, options=NETWORK),
        Arm(
            name="ParaMaskNet",
            model="masknet_p",
            space=SPACE,
            options=NETWORK | {"block_units": (64, 64)},
        ),
        Arm(
            name="SerMaskNet",
            model="masknet_s",
            space=SPACE,
            options={"embedding_dim": 12, "block_units": (64, 32)},
            side=True,
        ),
        Arm(
            name="EDCN",
            model="edcn",
            space=SPACE,
            options={"embedding_dim": 12, "num_cross_layers": 2},
            side=True,
        ),
        Arm(
            name="AFN+",
            model="afn_plus",
            space=SPACE,
            options=NETWORK | {"deep_units": (64, 32), "num_neurons": 64},
            side=True,
        ),
        Arm(
            name="xDeepFM",
            model="xdeepfm",
            space=SPACE,
            options=NETWORK | {"cin_layer_sizes": (16, 16)},
            side=True,
        ),
        Arm(name="IPNN", model="ipnn", space=SPACE, options=NETWORK, side=True),
    ],
    contrasts=[
        better(
            "crosses_help_the_network",
            "A network with crosses beside it is ahead of the network alone.",
            "DCN-V2",
            "deep",
            margin=3.0,
        ),
        level(
            "gates_add_nothing",
            "Gates on the crosses add nothing.",
            "GDCN-P",
            "DCN-V2",
            margin=3.0,
        ),
        not_worse(
            "two_streams_add_nothing",
            "One network is not behind two that are fused.",
            "deep",
            "FinalMLP",
            margin=3.0,
        ),
        better(
            "crosses_lead_masks",
            "Crosses beside a network are ahead of masks in it.",
            "DCN-V2",
            "ParaMaskNet",
            margin=3.0,
        ),
        level(
            "masks_side_by_side",
            "Masked blocks side by side are level with masked blocks in a row.",
            "ParaMaskNet",
            "SerMaskNet",
            margin=3.0,
        ),
        better(
            "bridges_cost",
            "Crosses and network that exchange nothing are ahead of towers with bridges.",
            "DCN-V2",
            "EDCN",
            margin=3.0,
        ),
        better(
            "crosses_lead_learned_powers",
            "Crosses beside a network are ahead of products with learned powers.",
            "DCN-V2",
            "AFN+",
            margin=3.0,
        ),
        better(
            "whole_vectors_lead",
            "Crosses of whole vectors are ahead of crosses of components.",
            "xDeepFM",
            "DCN-V2",
            margin=2.0,
        ),
        level(
            "products_inside_are_level",
            "Products inside a network are level with crosses beside it.",
            "IPNN",
            "DCN-V2",
            margin=3.0,
        ),
    ],
    fit={"epochs": 100, "batch_size": 512, "patience": 6},
    protocol=2,
)
