"""Rows of chapters 00 to 03: models for one label that cross features."""

from recsys_lib.zoo.row import Model, Option, linear, network, tables

_MEMORY, _SECOND, _HIGHER = (
    "recsys_lib.memorization",
    "recsys_lib.second_order",
    "recsys_lib.higher_order",
)
_WIDE_LESSON = "01_memorization_generalization/01_wide_and_deep"
_CHAPTER_2, _CHAPTER_3 = "02_second_order_crosses", "03_higher_order_crosses"
_SMALL = {"embedding_dim": 4, "hidden_units": (6, 5), "activation": "tanh"}
_FLAT = {"embedding_dim": 4}


def _crossing(*layers):
    """How the options of cross-product tables act."""
    return {
        "cross_pairs": Option((("user_id", "movie_id"),), layers),
        "max_cross_rows": Option(10, layers, {"num_cross_buckets": 4}),
        "num_cross_buckets": Option(5, layers, {"max_cross_rows": 10}),
    }


ROWS = (
    Model(
        key="lr",
        name="LR",
        builder=f"{_MEMORY}:build_logistic_regression",
        lesson="00_the_ranking_stage/01_the_ranking_stage",
        paper="Richardson, Dominowska and Ragno 2007",
        tests="memorization/test_logistic_regression.py",
        second=linear(),
    ),
    Model(
        key="wide",
        name="wide",
        builder=f"{_MEMORY}:build_wide",
        lesson=_WIDE_LESSON,
        paper="Cheng et al. 2016",
        tests="memorization/test_wide_and_deep.py",
        second=_crossing("wide_cross") | linear("wide_linear", "wide_cross"),
    ),
    Model(
        key="dnn",
        name="DNN",
        builder=f"{_MEMORY}:build_deep",
        lesson=_WIDE_LESSON,
        paper="Covington, Adams and Sargin 2016",
        tests="memorization/test_wide_and_deep.py",
        tiny=_SMALL,
        second=network("deep_all")
        | tables("deep_embedding")
        | {"network_per_group": Option(True, ("click",))},
        needs_network=True,
    ),
    Model(
        key="wide_and_deep",
        name="Wide & Deep",
        builder=f"{_MEMORY}:build_wide_and_deep",
        lesson=_WIDE_LESSON,
        paper="Cheng et al. 2016",
        tests="memorization/test_wide_and_deep.py",
        tiny=_SMALL,
        second=network("deep_all")
        | tables("deep_embedding")
        | linear("wide_linear", "wide_cross")
        | _crossing("wide_cross")
        | {"network_per_group": Option(True, ("click",))},
        needs_network=True,
    ),
    Model(
        key="polynomial",
        name="polynomial",
        builder=f"{_SECOND}:build_polynomial",
        lesson=f"{_CHAPTER_2}/01_fm",
        paper="Rendle 2010",
        tests="second_order/test_polynomial.py",
        second=linear("wide_linear", "wide_cross")
        | {name: o for name, o in _crossing("wide_cross").items() if name != "cross_pairs"},
    ),
    Model(
        key="fm",
        name="FM",
        builder=f"{_SECOND}:build_fm",
        lesson=f"{_CHAPTER_2}/01_fm",
        paper="Rendle 2010",
        tests="second_order/test_fm.py",
        tiny=_FLAT,
        second=tables("embedding", numbers=("embedding_numeric",)) | linear(),
    ),
    Model(
        key="fwfm",
        name="FwFM",
        builder=f"{_SECOND}:build_fwfm",
        lesson=f"{_CHAPTER_2}/07_second_order_comparison",
        paper="Pan et al. 2018",
        tests="second_order/test_fwfm.py",
        tiny=_FLAT,
        second=tables("embedding", numbers=("embedding_numeric",)) | linear(),
    ),
    Model(
        key="afm",
        name="AFM",
        builder=f"{_SECOND}:build_afm",
        lesson=f"{_CHAPTER_2}/02_afm",
        paper="Xiao et al. 2017",
        tests="second_order/test_afm.py",
        tiny=_FLAT | {"attention_dim": 5, "activation": "tanh"},
        second=tables("embedding", numbers=("embedding_numeric",))
        | linear()
        | {
            "attention_dim": Option(3, ("afm_attention",)),
            "activation": Option("relu", ("afm_attention",)),
            "dropout_rate": Option(0.5, ("afm_pairs_dropout",)),
            "attention_dropout_rate": Option(0.5, ("afm_attention_dropout", "afm_pooled")),
            "pooled_dropout_rate": Option(0.5, ("afm_pooled_dropout",)),
            "attention_l2": Option(0.5, ("afm_attention",)),
        },
    ),
    Model(
        key="nfm",
        name="NFM",
        builder=f"{_SECOND}:build_nfm",
        lesson=f"{_CHAPTER_2}/03_nfm",
        paper="He and Chua 2017",
        tests="second_order/test_nfm.py",
        tiny=_SMALL,
        second=network("nfm_hidden")
        | tables("embedding", numbers=("embedding_numeric",))
        | linear()
        | {
            "batch_normalization": Option(False, ("nfm_hidden", "nfm_logit")),
            "interaction_dropout_rate": Option(0.5, ("nfm_dropout",)),
        },
    ),
    Model(
        key="ipnn",
        name="IPNN",
        builder=f"{_SECOND}:build_pnn",
        lesson=f"{_CHAPTER_2}/04_pnn",
        paper="Qu et al. 2016",
        tests="second_order/test_pnn.py",
        options={"products": "inner"},
        tiny=_SMALL,
        variant_of="pnn",
        needs_network=True,
    ),
    Model(
        key="opnn",
        name="OPNN",
        builder=f"{_SECOND}:build_pnn",
        lesson=f"{_CHAPTER_2}/04_pnn",
        paper="Qu et al. 2016",
        tests="second_order/test_pnn.py",
        options={"products": "outer"},
        tiny=_SMALL,
        variant_of="pnn",
        needs_network=True,
    ),
    Model(
        key="pnn",
        name="PNN",
        builder=f"{_SECOND}:build_pnn",
        lesson=f"{_CHAPTER_2}/04_pnn",
        paper="Qu et al. 2016",
        tests="second_order/test_pnn.py",
        options={"products": "both"},
        tiny=_SMALL,
        second=network("product_layer", "deep")
        | tables("embedding", numbers=("embedding_numeric",))
        | {
            "hidden_units": Option((5, 3), ("product_layer", "deep")),
            "dropout_rate": Option(0.5, ("product_dropout", "deep")),
            "batch_normalization": Option(True, ("click", "deep")),
            "products": Option("outer", ("product_layer",)),
            "signals": Option("pairs", ("deep",)),
        },
        needs_network=True,
    ),
    Model(
        key="fibinet_all",
        name="FiBiNET, all",
        builder=f"{_SECOND}:build_fibinet",
        lesson=f"{_CHAPTER_2}/05_fibinet",
        paper="Huang et al. 2019",
        tests="second_order/test_fibinet.py",
        options={"bilinear": "all"},
        tiny=_SMALL,
        variant_of="fibinet",
    ),
    Model(
        key="fibinet_each",
        name="FiBiNET, each",
        builder=f"{_SECOND}:build_fibinet",
        lesson=f"{_CHAPTER_2}/05_fibinet",
        paper="Huang et al. 2019",
        tests="second_order/test_fibinet.py",
        options={"bilinear": "each"},
        tiny=_SMALL,
        variant_of="fibinet",
    ),
    Model(
        key="fibinet",
        name="FiBiNET",
        builder=f"{_SECOND}:build_fibinet",
        lesson=f"{_CHAPTER_2}/05_fibinet",
        paper="Huang et al. 2019",
        tests="second_order/test_fibinet.py",
        options={"bilinear": "interaction"},
        tiny=_SMALL | {"senet_activation": "sigmoid"},
        second=network("deep")
        | tables("embedding", numbers=("embedding_numeric",))
        | linear()
        | {
            "bilinear": Option("all", ("bilinear_original", "bilinear_senet")),
            "reduction_ratio": Option(1, ("senet_weights",)),
            "senet_activation": Option("relu", ("senet_weights",)),
        },
    ),
    Model(
        key="deepfm",
        name="DeepFM",
        builder=f"{_SECOND}:build_deepfm",
        lesson=f"{_CHAPTER_2}/06_deepfm",
        paper="Guo et al. 2017",
        tests="second_order/test_deepfm.py",
        tiny=_SMALL,
        second=network("deep")
        | tables("embedding", numbers=("embedding_numeric",))
        | linear()
        | {"shared_embedding": Option(False, ("deep_inputs",))},
        needs_network=True,
    ),
    Model(
        key="dcn",
        name="DCN",
        builder=f"{_HIGHER}:build_dcn",
        lesson=f"{_CHAPTER_3}/01_dcn",
        paper="Wang et al. 2017",
        tests="higher_order/test_dcn.py",
        tiny=_SMALL,
        second=network("deep") | tables("embedding") | {"num_cross_layers": Option(1, ("logit",))},
    ),
    Model(
        key="dcn_v2",
        name="DCN-V2",
        builder=f"{_HIGHER}:build_dcn_v2",
        lesson=f"{_CHAPTER_3}/01_dcn",
        paper="Wang et al. 2021",
        tests="higher_order/test_dcn.py",
        tiny=_SMALL | {"num_cross_layers": 2},
        second=network("deep")
        | tables("embedding")
        | {
            "num_cross_layers": Option(1, ("logit",)),
            "rank": Option(3, ("cross_1", "cross_2")),
            "num_experts": Option(2, ("cross_1", "cross_2"), {"rank": 3}),
            "expert_activation": Option("tanh", ("cross_1", "cross_2"), {"rank": 3}),
            "gate": Option("sigmoid", ("cross_1", "cross_2"), {"rank": 3, "num_experts": 2}),
        },
    ),
    Model(
        key="dcn_mix",
        name="DCN-Mix",
        builder=f"{_HIGHER}:build_dcn_v2",
        lesson=f"{_CHAPTER_3}/01_dcn",
        paper="Wang et al. 2021",
        tests="higher_order/test_dcn.py",
        options={"num_experts": 4, "rank": 16},
        tiny=_SMALL | {"num_cross_layers": 2, "num_experts": 2, "rank": 3},
        variant_of="dcn_v2",
    ),
    Model(
        key="cin",
        name="CIN",
        builder=f"{_HIGHER}:build_cin",
        lesson=f"{_CHAPTER_3}/02_xdeepfm",
        paper="Lian et al. 2018",
        tests="higher_order/test_xdeepfm.py",
        tiny=_FLAT | {"cin_layer_sizes": (4, 4)},
        second=tables("embedding", numbers=("embedding_numeric",))
        | {
            "cin_layer_sizes": Option((2,), ("cin_1",)),
            "cin_activation": Option("relu", ("cin_1", "cin_2")),
            "split_half": Option(True, ("cin_pooled",)),
        },
    ),
    Model(
        key="xdeepfm",
        name="xDeepFM",
        builder=f"{_HIGHER}:build_xdeepfm",
        lesson=f"{_CHAPTER_3}/02_xdeepfm",
        paper="Lian et al. 2018",
        tests="higher_order/test_xdeepfm.py",
        tiny=_SMALL | {"cin_layer_sizes": (4, 4)},
        second=network("deep")
        | tables("embedding", numbers=("embedding_numeric",))
        | linear()
        | {
            "cin_layer_sizes": Option((2,), ("cin_1",)),
            "cin_activation": Option("relu", ("cin_1", "cin_2")),
            "split_half": Option(True, ("cin_pooled",)),
            "linear": Option(False, ("click",)),
        },
    ),
    Model(
        key="autoint",
        name="AutoInt",
        builder=f"{_HIGHER}:build_autoint",
        lesson=f"{_CHAPTER_3}/03_autoint",
        paper="Song et al. 2019",
        tests="higher_order/test_autoint.py",
        tiny=_FLAT | {"num_layers": 2, "head_dim": 3},
        variant_of="autoint_plus",
    ),
    Model(
        key="autoint_plus",
        name="AutoInt+",
        builder=f"{_HIGHER}:build_autoint",
        lesson=f"{_CHAPTER_3}/03_autoint",
        paper="Song et al. 2019",
        tests="higher_order/test_autoint.py",
        options={"hidden_units": (64, 32)},
        tiny=_SMALL | {"num_layers": 2, "head_dim": 3},
        second=network("deep")
        | tables("embedding", numbers=("embedding_numeric",))
        | {
            "num_layers": Option(1, ("logit",)),
            "num_heads": Option(1, ("attention_1", "attention_2", "interacting_1")),
            "head_dim": Option(2, ("attention_1", "attention_2", "interacting_1")),
            "projection_activation": Option(
                "relu", ("attention_1", "attention_2", "interacting_1", "interacting_2")
            ),
            "scale_attention": Option(True, ("attention_1", "attention_2")),
            "layer_normalization": Option(True, ("interacting_1", "interacting_2")),
            "identity_residual": Option(True, ("interacting_2",)),
            "attention_dropout_rate": Option(0.5, ("attention_1", "attention_2")),
        },
    ),
)
