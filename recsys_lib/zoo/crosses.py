"""Rows of chapters 00 to 03: models for one label that cross features."""

from recsys_lib.zoo.row import rows_of

_first = rows_of("recsys_lib.memorization", "00_the_ranking_stage")
_memory = rows_of("recsys_lib.memorization", "01_memorization_generalization")
_second = rows_of("recsys_lib.second_order", "02_second_order_crosses")
_higher = rows_of("recsys_lib.higher_order", "03_higher_order_crosses")
_GATED, _WANG = "03b_recent_models", "Wang, She and Zhang 2021"

ROWS = (
    _first(
        "lr",
        "LR",
        "logistic_regression",
        "01_the_ranking_stage",
        "Richardson, Dominowska and Ragno 2007",
    ),
    _memory("wide", "wide", "wide", "01_wide_and_deep", "Cheng et al. 2016"),
    _memory("dnn", "DNN", "deep", "01_wide_and_deep", "Covington, Adams and Sargin 2016"),
    _memory(
        "wide_and_deep", "Wide & Deep", "wide_and_deep", "01_wide_and_deep", "Cheng et al. 2016"
    ),
    _second("polynomial", "polynomial", "polynomial", "01_fm", "Rendle 2010"),
    _second("fm", "FM", "fm", "01_fm", "Rendle 2010"),
    _second("fwfm", "FwFM", "fwfm", "01b_field_pairs", "Pan et al. 2018"),
    _second("afm", "AFM", "afm", "02_afm", "Xiao et al. 2017"),
    _second("nfm", "NFM", "nfm", "03_nfm", "He and Chua 2017"),
    _second("ipnn", "IPNN", "pnn", "04_pnn", "Qu et al. 2016", products="inner"),
    _second("opnn", "OPNN", "pnn", "04_pnn", "Qu et al. 2016", products="outer"),
    _second("pnn", "PNN", "pnn", "04_pnn", "Qu et al. 2016", products="both"),
    _second(
        "fibinet_all", "FiBiNET, all", "fibinet", "05_fibinet", "Huang et al. 2019", bilinear="all"
    ),
    _second(
        "fibinet_each",
        "FiBiNET, each",
        "fibinet",
        "05_fibinet",
        "Huang et al. 2019",
        bilinear="each",
    ),
    _second(
        "fibinet", "FiBiNET", "fibinet", "05_fibinet", "Huang et al. 2019", bilinear="interaction"
    ),
    _second("deepfm", "DeepFM", "deepfm", "06_deepfm", "Guo et al. 2017"),
    # A model's style is its place, so that rows that came later stand at the end.
    _second("fmfm", "FmFM", "fmfm", "01b_field_pairs", "Sun et al. 2021"),
    _second("ffm", "FFM", "ffm", "01b_field_pairs", "Juan et al. 2016"),
    _higher("dcn", "DCN", "dcn", "01_dcn", "Wang et al. 2017"),
    _higher("dcn_v2", "DCN-V2", "dcn_v2", "01_dcn", "Wang et al. 2021"),
    _higher("dcn_mix", "DCN-Mix", "dcn_v2", "01_dcn", "Wang et al. 2021", num_experts=4, rank=16),
    _higher("cin", "CIN", "cin", "02_xdeepfm", "Lian et al. 2018"),
    _higher("xdeepfm", "xDeepFM", "xdeepfm", "02_xdeepfm", "Lian et al. 2018"),
    _higher("autoint", "AutoInt", "autoint", "03_autoint", "Song et al. 2019"),
    _higher(
        "autoint_plus",
        "AutoInt+",
        "autoint",
        "03_autoint",
        "Song et al. 2019",
        hidden_units=(64, 32),
    ),
    _higher("masknet_s", "SerMaskNet", "masknet", _GATED, _WANG),
    _higher(
        "masknet_p", "ParaMaskNet", "masknet", _GATED, _WANG, parallel=True, hidden_units=(64, 32)
    ),
    _higher("finalmlp", "FinalMLP", "finalmlp", _GATED, "Mao et al. 2023"),
    _higher("gdcn_s", "GDCN-S", "gdcn", _GATED, "Wang et al. 2023", stacked=True),
    _higher("gdcn_p", "GDCN-P", "gdcn", _GATED, "Wang et al. 2023"),
    _higher("edcn", "EDCN", "edcn", _GATED, "Chen et al. 2021"),
    _higher("afn", "AFN", "afn", _GATED, "Cheng et al. 2020"),
    _higher("afn_plus", "AFN+", "afn", _GATED, "Cheng et al. 2020", deep_units=(64, 32)),
)
