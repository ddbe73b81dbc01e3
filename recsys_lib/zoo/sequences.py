"""Rows of chapter 04: models that read what a user did, in its order."""

from recsys_lib.zoo.row import rows_of

_row = rows_of("recsys_lib.sequence", "04_sequence_models", needs=("history",))
_in_sessions = rows_of("recsys_lib.sequence", "04_sequence_models", needs=("history", "sessions"))

ROWS = (
    _row("mean", "mean", "pooled", "01_din", "Covington, Adams and Sargin 2016"),
    _row("gru", "GRU", "gru", "02_dien", "Hidasi et al. 2016"),
    _row("din", "DIN", "din", "01_din", "Zhou et al. 2018"),
    _row("dien", "DIEN", "dien", "02_dien", "Zhou et al. 2019"),
    _in_sessions("dsin", "DSIN", "dsin", "03_dsin", "Feng et al. 2019"),
    _row("bst", "BST", "bst", "05_sequence_comparison", "Chen et al. 2019"),
    _row("sim", "SIM", "sim", "04_history_of_thousands", "Pi et al. 2020"),
    _row("eta", "ETA", "eta", "04_history_of_thousands", "Chen et al. 2021"),
    _row("twin", "TWIN", "twin", "04_history_of_thousands", "Chang et al. 2023"),
    _row("sdim", "SDIM", "sdim", "04_history_of_thousands", "Cao et al. 2022"),
)
