"""Chapters 00 to 03: models for one label that cross features."""

from rows.checked import Checked, on

_CROSSES = {
    "max_cross_rows": on("wide_cross", value=10, num_cross_buckets=4),
    "num_cross_buckets": on("wide_cross", value=5, max_cross_rows=10),
}
_CHOSEN = _CROSSES | {"cross_pairs": on("wide_cross", value=(("user_id", "movie_id"),))}
_CIN = {
    "cin_layer_sizes": on("cin_1", value=(2,)),
    "cin_activation": on("cin_[0-9]"),
    "split_half": on("cin_pooled"),
}
_RANK = {"rank": 3, "num_experts": 2}
# With random weights everywhere a small epsilon would put most probabilities at 0 or 1.
_POWERS = {"num_neurons": 5, "epsilon": 0.1}

ROWS = {
    "lr": Checked(),
    "wide": Checked(_CHOSEN),
    "dnn": Checked({"network_per_group": on("click")}, needs_network=True),
    "wide_and_deep": Checked(_CHOSEN | {"network_per_group": on("click")}, needs_network=True),
    "polynomial": Checked(_CROSSES),
    "fm": Checked(),
    "fwfm": Checked(),
    "afm": Checked(
        {
            "dropout_rate": on("afm_pairs_dropout"),
            "attention_dropout_rate": on("afm_attention_dropout", "afm_pooled"),
            "pooled_dropout_rate": on("afm_pooled_dropout"),
            "attention_l2": on("afm_attention"),
        },
        small={"attention_dim": 5},
    ),
    "nfm": Checked(
        {
            "batch_normalization": on("nfm_normalization", "nfm_hidden", "nfm_logit"),
            "interaction_dropout_rate": on("nfm_dropout"),
        }
    ),
    "ipnn": Checked(variant_of="pnn", needs_network=True),
    "opnn": Checked(variant_of="pnn", needs_network=True),
    "pnn": Checked(
        {
            "hidden_units": on("product_layer", "deep", value=(5, 3)),
            "dropout_rate": on("product_dropout", "deep"),
            "products": on("product_layer", value="outer"),
            "signals": on("deep", value="pairs"),
        },
        needs_network=True,
    ),
    "fibinet_all": Checked(variant_of="fibinet"),
    "fibinet_each": Checked(variant_of="fibinet"),
    "fibinet": Checked(
        {
            "activation": on("deep"),
            "bilinear": on("bilinear_original", "bilinear_senet", value="all"),
            "senet_activation": on("senet_weights"),
        },
        small={"senet_activation": "sigmoid"},
    ),
    "deepfm": Checked({"shared_embedding": on("deep_inputs")}, needs_network=True),
    "fmfm": Checked({"matrices": on("fmfm_pairs", value="diagonal")}),
    "ffm": Checked(),
    "dcn": Checked({"num_cross_layers": on("logit")}),
    "dcn_v2": Checked(
        {
            "num_cross_layers": on("logit"),
            "rank": on(value=3),
            "num_experts": on("cross_[0-9]", rank=3),
            "expert_activation": on("cross_[0-9]", rank=3),
            "gate": on(value="sigmoid", **_RANK),
        },
        small={"num_experts": 1},
    ),
    "dcn_mix": Checked(small=_RANK, variant_of="dcn_v2"),
    "cin": Checked(_CIN),
    "xdeepfm": Checked(_CIN | {"activation": on("deep"), "linear": on("click")}),
    "autoint": Checked(small={"head_dim": 3}, variant_of="autoint_plus"),
    "autoint_plus": Checked(
        {
            "dropout_rate": on("deep"),
            "num_layers": on("logit"),
            "num_heads": on("attention_*", "interacting_1"),
            "scale_attention": on("attention_*"),
            # Only from the second layer on the fields have the width of the new ones.
            "identity_residual": on("interacting_2"),
            "attention_dropout_rate": on("attention_*"),
        },
        small={"head_dim": 3},
    ),
    "masknet_s": Checked(small={"block_units": (4, 3)}, variant_of="masknet_p"),
    "masknet_p": Checked(
        {
            "block_units": on("block_1"),
            "parallel": on("deep", value=False),
            "mask_ratio": on("mask_*"),
            "layer_normalization": on("block_*"),
        },
        small={"block_units": (4, 3)},
    ),
    "finalmlp": Checked(
        {
            "hidden_units": on("deep_1"),
            "second_units": on("deep_2", value=(4,)),
            "conditions": on("condition_*", value=("item", None)),
            "gate_units": on("gate_*"),
            "num_heads": on("fusion", value=2, second_units=(6, 4), hidden_units=(4,)),
        },
        needs_network=True,
    ),
    "gdcn_s": Checked(variant_of="gdcn_p"),
    "gdcn_p": Checked({"num_cross_layers": on("logit"), "stacked": on("deep")}),
    "edcn": Checked(
        {
            "num_cross_layers": on("logit"),
            "bridge": on("bridge_*", value="sum"),
            "temperature": on("*_gate_*", value=0.5),
        }
    ),
    "afn": Checked(small=_POWERS, variant_of="afn_plus"),
    "afn_plus": Checked(
        {
            "hidden_units": on("afn"),
            "deep_units": on("deep"),
            "num_neurons": on("products"),
            "epsilon": on("products", value=0.5),
        },
        small=_POWERS | {"deep_units": (4,)},
    ),
}
