"""Products of two, three and four signs: which models reach them without a network.

Eight columns are +1 or -1, and the product of the first two, three or four of them decides. No sum
of terms with fewer columns says anything of it. Crosses have three layers, enough for four columns,
and attention three and two; the network alone is the rival. A row has one of two probabilities, so
that AUC says whether a model has found the product; how sure it is of it depends on the epoch at
which training stopped.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, not_worse
from experiments.engine.declaration import Experiment

SPACE: dict[str, Any] = {"learning_rate": (1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 4e-2)}
SIGNS: dict[str, Any] = {"num_rows": 15_000, "num_valid_rows": 5_000, "num_test_rows": 10_000}
FIT: dict[str, Any] = {"epochs": 60, "batch_size": 512, "patience": 8}
CROSSES: dict[str, Any] = {"hidden_units": (), "num_cross_layers": 3}
WIDTH: dict[str, Any] = {"embedding_dim": 8}
ATTENTION: dict[str, Any] = WIDTH | {"head_dim": 8}
PAIR, TRIPLE, FOUR = 2, 3, 4
TWO_OF_ATTENTION = Arm(
    name="AutoInt, two layers",
    model="autoint",
    space=SPACE,
    options=ATTENTION | {"num_layers": 2},
    side=True,
    at_base_rate=True,
)

EXPERIMENT = Experiment(
    identifier="higher_order.degree",
    question="Which models reach a product of two, three and four columns without a network?",
    lens="higher_order",
    knobs=SIGNS,
    sweep=Sweep("order", (PAIR, TRIPLE, FOUR)),
    headline="layers_reach_three",
    arms=[
        Arm(name="FM", model="fm", space=SPACE, options=WIDTH, side=True, at_base_rate=True),
        Arm(
            name="DCN, one layer",
            model="dcn",
            space=SPACE,
            options=CROSSES | {"num_cross_layers": 1},
            at_base_rate=True,
        ),
        Arm(name="DCN", model="dcn", space=SPACE, options=CROSSES),
        Arm(name="DCN-V2", model="dcn_v2", space=SPACE, options=CROSSES),
        Arm(
            name="CIN",
            model="cin",
            space=SPACE,
            options=WIDTH | {"cin_layer_sizes": (16, 16, 16)},
            side=True,
        ),
        Arm(
            name="AutoInt",
            model="autoint",
            space=SPACE,
            options=ATTENTION | {"num_layers": 3},
            side=True,
            at_base_rate=True,
        ),
        TWO_OF_ATTENTION,
        Arm(
            name="deep",
            model="dnn",
            space=SPACE,
            options=WIDTH | {"hidden_units": (64, 32)},
            at_base_rate=True,
        ),
    ],
    contrasts=[
        better(
            "layers_reach_three",
            "On a product of three signs, DCN of three layers is ahead of DCN of one layer.",
            "DCN",
            "DCN, one layer",
            margin=5.0,
            at=TRIPLE,
        ),
        better(
            "pairs_do_not_reach_three",
            "On a product of three signs, DCN is ahead of FM.",
            "DCN",
            "FM",
            margin=5.0,
            at=TRIPLE,
        ),
        not_worse(
            "more_layers_do_not_harm",
            "On a product of two signs, DCN of three layers is not behind DCN of one layer.",
            "DCN",
            "DCN, one layer",
            margin=5.0,
            at=PAIR,
        ),
        not_worse(
            "crosses_need_no_network_for_three",
            "On a product of three signs, crosses without a network are not behind a network.",
            "DCN-V2",
            "deep",
            margin=5.0,
            at=TRIPLE,
        ),
        not_worse(
            "crosses_need_no_network_for_four",
            "On a product of four signs, crosses without a network are not behind a network.",
            "DCN-V2",
            "deep",
            margin=5.0,
            at=FOUR,
        ),
        not_worse(
            "a_number_does_for_one_product",
            "On a product of four signs, one number a layer is not behind a matrix.",
            "DCN",
            "DCN-V2",
            margin=5.0,
            at=FOUR,
        ),
        better(
            "vectors_reach_three",
            "On a product of three signs, CIN is ahead of FM.",
            "CIN",
            "FM",
            margin=5.0,
            at=TRIPLE,
        ),
        not_worse(
            "vectors_reach_four",
            "On a product of four signs, CIN is not behind crosses of components.",
            "CIN",
            "DCN-V2",
            margin=5.0,
            at=FOUR,
        ),
        better(
            "attention_reaches_three",
            "On a product of three signs, AutoInt is ahead of FM.",
            "AutoInt",
            "FM",
            margin=5.0,
            at=TRIPLE,
        ),
        not_worse(
            "attention_reaches_four",
            "On a product of four signs, two layers of attention are not behind crosses.",
            "AutoInt, two layers",
            "DCN-V2",
            margin=5.0,
            at=FOUR,
        ),
        not_worse(
            "two_layers_of_attention_are_enough",
            "On a product of three signs, AutoInt of two layers is not behind one of three.",
            "AutoInt, two layers",
            "AutoInt",
            margin=5.0,
            at=TRIPLE,
        ),
    ],
    fit=FIT,
    protocol=2,
)
