"""Rows of chapter 05: models that predict several things about one impression."""

from recsys_lib.zoo.row import Model

_TASKS, _CHAPTER = "recsys_lib.multi_task", "05_multi_task"
_MANY = ("several tasks",)

ROWS = (
    Model(
        key="shared_bottom",
        name="Shared-Bottom",
        builder=f"{_TASKS}:build_shared_bottom",
        lesson=f"{_CHAPTER}/01_shared_bottom",
        paper="Caruana 1997",
        needs=_MANY,
    ),
    Model(
        key="omoe",
        name="OMoE",
        builder=f"{_TASKS}:build_omoe",
        lesson=f"{_CHAPTER}/02_mmoe",
        paper="Ma et al. 2018",
        needs=_MANY,
    ),
    Model(
        key="mmoe",
        name="MMoE",
        builder=f"{_TASKS}:build_mmoe",
        lesson=f"{_CHAPTER}/02_mmoe",
        paper="Ma et al. 2018",
        needs=_MANY,
    ),
    Model(
        key="cgc",
        name="CGC",
        builder=f"{_TASKS}:build_cgc",
        lesson=f"{_CHAPTER}/03_cgc_and_ple",
        paper="Tang et al. 2020",
        needs=_MANY,
    ),
    Model(
        key="ple",
        name="PLE",
        builder=f"{_TASKS}:build_ple",
        lesson=f"{_CHAPTER}/03_cgc_and_ple",
        paper="Tang et al. 2020",
        needs=_MANY,
    ),
    Model(
        key="esmm",
        name="ESMM",
        builder=f"{_TASKS}:build_esmm",
        lesson=f"{_CHAPTER}/04_esmm",
        paper="Ma et al. 2018b",
        needs=("several tasks", "two tasks"),
    ),
)
