"""Rows of chapter 04: models that read what a user did, in its order."""

from recsys_lib.zoo.row import Model

_SEQUENCE, _CHAPTER = "recsys_lib.sequence", "04_sequence_models"

ROWS = (
    Model(
        key="mean",
        name="mean",
        builder=f"{_SEQUENCE}:build_pooled",
        lesson=f"{_CHAPTER}/01_din",
        paper="Covington, Adams and Sargin 2016",
        needs=("history",),
    ),
    Model(
        key="gru",
        name="GRU",
        builder=f"{_SEQUENCE}:build_gru",
        lesson=f"{_CHAPTER}/02_dien",
        paper="Hidasi et al. 2016",
        needs=("history",),
    ),
    Model(
        key="din",
        name="DIN",
        builder=f"{_SEQUENCE}:build_din",
        lesson=f"{_CHAPTER}/01_din",
        paper="Zhou et al. 2018",
        needs=("history",),
    ),
    Model(
        key="dien",
        name="DIEN",
        builder=f"{_SEQUENCE}:build_dien",
        lesson=f"{_CHAPTER}/02_dien",
        paper="Zhou et al. 2019",
        needs=("history",),
    ),
    Model(
        key="dsin",
        name="DSIN",
        builder=f"{_SEQUENCE}:build_dsin",
        lesson=f"{_CHAPTER}/03_dsin",
        paper="Feng et al. 2019",
        needs=("history", "sessions"),
    ),
    Model(
        key="bst",
        name="BST",
        builder=f"{_SEQUENCE}:build_bst",
        lesson=f"{_CHAPTER}/05_sequence_comparison",
        paper="Chen et al. 2019",
        needs=("history",),
    ),
    Model(
        key="sim",
        name="SIM",
        builder=f"{_SEQUENCE}:build_sim",
        lesson=f"{_CHAPTER}/04_history_of_thousands",
        paper="Pi et al. 2020",
        needs=("history",),
    ),
    Model(
        key="eta",
        name="ETA",
        builder=f"{_SEQUENCE}:build_eta",
        lesson=f"{_CHAPTER}/04_history_of_thousands",
        paper="Chen et al. 2021",
        needs=("history",),
    ),
    Model(
        key="twin",
        name="TWIN",
        builder=f"{_SEQUENCE}:build_twin",
        lesson=f"{_CHAPTER}/04_history_of_thousands",
        paper="Chang et al. 2023",
        needs=("history",),
    ),
    Model(
        key="sdim",
        name="SDIM",
        builder=f"{_SEQUENCE}:build_sdim",
        lesson=f"{_CHAPTER}/04_history_of_thousands",
        paper="Cao et al. 2022",
        needs=("history",),
    ),
)
