"""Rows of chapter 04: models that read what a user did, in its order."""

from recsys_lib.zoo.row import Model, Option, network, tables

_SEQUENCE, _CHAPTER = "recsys_lib.sequence", "04_sequence_models"
_SMALL = {"embedding_dim": 4, "hidden_units": (6, 5), "activation": "tanh"}
_HISTORIES = ("history",)


def _reading(*layers):
    """How the choice of the histories that are read acts."""
    return {"histories": Option(_HISTORIES, layers)}


ROWS = (
    Model(
        key="mean",
        name="mean",
        builder=f"{_SEQUENCE}:build_pooled",
        lesson=f"{_CHAPTER}/01_din",
        paper="Covington, Adams and Sargin 2016",
        tests="sequence/test_sequence_models.py",
        needs=("history",),
        tiny=_SMALL,
        second=network("deep")
        | tables("embedding")
        | _reading("pooled_history")
        | {
            "scale": Option("raw", ("pooled_history",)),
            "product": Option(False, ("deep",)),
        },
    ),
    Model(
        key="gru",
        name="GRU",
        builder=f"{_SEQUENCE}:build_gru",
        lesson=f"{_CHAPTER}/02_dien",
        paper="Hidasi et al. 2016",
        tests="sequence/test_sequence_models.py",
        needs=("history",),
        tiny=_SMALL,
        second=network("deep")
        | tables("embedding")
        | _reading("gru")
        | {"product": Option(False, ("deep",))},
    ),
    Model(
        key="din",
        name="DIN",
        builder=f"{_SEQUENCE}:build_din",
        lesson=f"{_CHAPTER}/01_din",
        paper="Zhou et al. 2018",
        tests="sequence/test_din.py",
        needs=("history",),
        tiny=_SMALL | {"attention_units": (5, 3)},
        second=network("deep", "din_weights")
        | tables("embedding")
        | _reading("din_weights", "din_interest")
        | {
            "attention_units": Option((4,), ("din_weights",)),
            "attention_activation": Option("sigmoid", ("din_weights",)),
            "unit_inputs": Option("outer", ("din_weights",)),
            "scale": Option("softmax", ("din_weights",)),
            "product": Option(True, ("deep",)),
            "recency": Option(True, ("din_weights",)),
            "step_context": Option(("step_age",), ("din_weights",)),
        },
    ),
    Model(
        key="dien",
        name="DIEN",
        builder=f"{_SEQUENCE}:build_dien",
        lesson=f"{_CHAPTER}/02_dien",
        paper="Zhou et al. 2019",
        tests="sequence/test_dien.py",
        needs=("history",),
        tiny=_SMALL,
        second=network("deep")
        | tables("embedding")
        | _reading("interest_states", "dien_interest")
        | {
            "evolution": Option("agru", ("evolved_states",)),
            "auxiliary_weight": Option(0.5, ("auxiliary_loss",)),
            "discriminator": Option("network", ("auxiliary_loss",)),
            "auxiliary_average": Option("rows", ("auxiliary_loss",)),
            "product": Option(True, ("deep",)),
        },
    ),
    Model(
        key="dsin",
        name="DSIN",
        builder=f"{_SEQUENCE}:build_dsin",
        lesson=f"{_CHAPTER}/03_dsin",
        paper="Feng et al. 2019",
        tests="sequence/test_dsin.py",
        needs=("history", "sessions"),
        tiny=_SMALL | {"num_sessions": 2},
        second=network("deep")
        | tables("embedding")
        | _reading("session_interests")
        | {
            "num_sessions": Option(3, ("session_interests", "session_states")),
            "num_heads": Option(1, ("session_block",)),
            "head_inputs": Option("whole", ("session_block",)),
            "feed_forward_units": Option(3, ("session_block",)),
            "bias_encoding": Option(False, ("session_block",)),
            "attention": Option("tanh", ("interest_attention", "state_attention")),
            "scale": Option("raw", ("interest_attention", "state_attention")),
            "product": Option(True, ("deep",)),
        },
    ),
    Model(
        key="bst",
        name="BST",
        builder=f"{_SEQUENCE}:build_bst",
        lesson=f"{_CHAPTER}/05_sequence_comparison",
        paper="Chen et al. 2019",
        tests="sequence/test_bst.py",
        needs=("history",),
        tiny=_SMALL,
        second=network("deep", "bst_block")
        | tables("embedding")
        | _reading("bst_block")
        | {
            "hidden_units": Option((5,), ("deep",)),
            "batch_normalization": Option(True, ("deep",)),
            "product": Option(True, ("deep",)),
            "num_heads": Option(1, ("bst_block",)),
            "feed_forward_units": Option(3, ("bst_block",)),
            "step_context": Option(("step_age",), ("bst_block",)),
        },
    ),
    Model(
        key="sim",
        name="SIM",
        builder=f"{_SEQUENCE}:build_sim",
        lesson=f"{_CHAPTER}/04_history_of_thousands",
        paper="Pi et al. 2020",
        tests="sequence/test_sim.py",
        needs=("history",),
        tiny=_SMALL | {"found_steps": 3},
        second=network("deep", "sim_search_deep")
        | tables("embedding")
        | _reading("sim_scores", "sim_interest")
        | {
            "search": Option("hard", ("sim_scores", "sim_search", "sim_search_deep")),
            "found_steps": Option(2, ("sim_search", "sim_weights")),
            "category": Option("history", ("sim_scores",), {"search": "hard"}),
            "num_heads": Option(3, ("sim_weights", "sim_interest")),
            "auxiliary_weight": Option(0, ("sim_search_deep", "sim_search_prediction")),
            "recency": Option(False, ("sim_weights",)),
            "product": Option(True, ("deep",)),
            "step_context": Option(("step_age",), ("sim_weights",)),
        },
        stops=("sim_search",),
    ),
    Model(
        key="eta",
        name="ETA",
        builder=f"{_SEQUENCE}:build_eta",
        lesson=f"{_CHAPTER}/04_history_of_thousands",
        paper="Chen et al. 2021",
        tests="sequence/test_eta.py",
        needs=("history",),
        tiny=_SMALL | {"found_steps": 3, "num_bits": 16},
        second=network("deep")
        | tables("embedding")
        | _reading("eta_scores", "eta_interest")
        | {
            "num_bits": Option(8, ("eta_codes",)),
            "found_steps": Option(2, ("eta_search", "eta_weights")),
            "num_heads": Option(3, ("eta_weights", "eta_interest")),
            "recency": Option(True, ("eta_weights",)),
            "product": Option(True, ("deep",)),
            "step_context": Option(("step_age",), ("eta_weights",)),
        },
        stops=("eta_codes", "eta_search"),
    ),
    Model(
        key="twin",
        name="TWIN",
        builder=f"{_SEQUENCE}:build_twin",
        lesson=f"{_CHAPTER}/04_history_of_thousands",
        paper="Chang et al. 2023",
        tests="sequence/test_twin.py",
        needs=("history",),
        tiny=_SMALL | {"found_steps": 3, "num_heads": 2},
        second=network("deep")
        | tables("embedding")
        | _reading("twin_scores", "twin_interest")
        | {
            "found_steps": Option(2, ("twin_search", "twin_weights")),
            "num_heads": Option(3, ("twin_scores", "twin_weights", "twin_interest")),
            "recency": Option(False, ("twin_scores",)),
            "product": Option(True, ("deep",)),
            "step_context": Option(("step_age",), ("twin_scores",)),
        },
        stops=("twin_search",),
    ),
    Model(
        key="sdim",
        name="SDIM",
        builder=f"{_SEQUENCE}:build_sdim",
        lesson=f"{_CHAPTER}/04_history_of_thousands",
        paper="Cao et al. 2022",
        tests="sequence/test_sdim.py",
        needs=("history",),
        tiny=_SMALL | {"num_bits": 12, "signature_bits": 2},
        second=network("deep")
        | tables("embedding")
        | _reading("sdim_signatures", "sdim_interest")
        | {
            "num_bits": Option(6, ("sdim_codes", "sdim_signatures", "sdim_interest")),
            "signature_bits": Option(3, ("sdim_signatures", "sdim_interest")),
            "normalize": Option(False, ("sdim_interest",)),
            "recency": Option(True, ("sdim_interest",)),
            "product": Option(True, ("deep",)),
            "step_context": Option(("step_age",), ("sdim_interest",)),
        },
        stops=("sdim_codes",),
    ),
)
