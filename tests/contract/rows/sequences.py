"""Chapter 04: models that read what a user did, in its order."""

from rows.checked import Checked, on


def _reading(*layers, weights=()):
    """How the choice of histories acts, and of what says where in them a behaviour stands."""
    histories = {"histories": on(*layers)}
    where = {"recency": on(*weights), "step_context": on(*weights)}
    return histories | where if weights else histories


ROWS = {
    "mean": Checked(_reading("pooled_history") | {"scale": on("pooled_history", value="raw")}),
    "gru": Checked(_reading("gru")),
    "din": Checked(
        _reading("din_weights", "din_interest", weights=("din_weights",))
        | {
            "attention_units": on("din_weights"),
            "attention_activation": on("din_weights"),
            "unit_inputs": on("din_weights", value="outer"),
            "scale": on(value="softmax"),
        },
        small={"attention_units": (5, 3)},
    ),
    "dien": Checked(
        _reading("interest_states", "dien_interest")
        | {
            "hidden_units": on("deep"),
            "evolution": on("evolved_states", value="agru"),
            "auxiliary_weight": on("auxiliary_loss", value=0.5),
            "discriminator": on("auxiliary_loss", value="network"),
            "auxiliary_average": on("auxiliary_loss", value="rows"),
        }
    ),
    "dsin": Checked(
        _reading("session_interests")
        | {
            # The block of the sessions keeps the paper's activation, and drops nothing.
            "activation": on("deep"),
            "dropout_rate": on("deep"),
            "num_sessions": on("session_interests", "session_states", value=3),
            "head_inputs": on(value="whole"),
            "feed_forward_units": on(value=3),
            "bias_encoding": on("session_block"),
            "attention": on("interest_attention", "state_attention", value="tanh"),
            "scale": on(value="raw"),
        },
        small={"num_sessions": 2},
    ),
    "bst": Checked(
        _reading("bst_block")
        | {"feed_forward_units": on(value=3), "step_context": on("bst_block")},
    ),
    "sim": Checked(
        _reading("sim_scores", "sim_interest", weights=("sim_weights",))
        | {
            "search": on("sim_scores", "sim_search", "sim_search_deep", value="hard"),
            "found_steps": on("sim_search", "sim_weights"),
            "category": on("sim_scores", value="history", search="hard"),
            "num_heads": on("sim_weights", "sim_interest"),
            "auxiliary_weight": on("sim_search_deep", "sim_search_prediction", value=0),
        },
        stops=("sim_search",),
    ),
    "eta": Checked(
        _reading("eta_scores", "eta_interest", weights=("eta_weights",))
        | {
            "found_steps": on("eta_search", "eta_weights"),
            "num_heads": on("eta_weights", "eta_interest"),
        },
        stops=("eta_codes", "eta_search"),
    ),
    "twin": Checked(
        _reading("twin_scores", "twin_interest", weights=("twin_scores", "twin_interest"))
        | {
            "found_steps": on("twin_search", "twin_weights"),
            "num_heads": on("twin_scores", "twin_weights", "twin_interest", value=3),
        },
        small={"num_heads": 2},
        stops=("twin_search",),
    ),
    "sdim": Checked(
        _reading("sdim_signatures", "sdim_interest", weights=("sdim_interest",))
        | {
            "num_bits": on("sdim_codes", "sdim_signatures", "sdim_interest", value=6),
            "signature_bits": on(value=3),
        },
        small={"signature_bits": 2},
        stops=("sdim_codes",),
    ),
}
