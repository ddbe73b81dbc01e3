"""Rows of chapter 05: models that predict several things about one impression."""

from recsys_lib.zoo.row import Model, Option, network, tables

_TASKS, _CHAPTER = "recsys_lib.multi_task", "05_multi_task"
_SMALL = {"embedding_dim": 4, "activation": "tanh", "tower_units": (3,)}
_EXPERTS = _SMALL | {"num_experts": 3, "expert_units": (5,)}
_MANY = ("several tasks",)
_ATTENTION = {"interest": "attention", "attention_units": (4,)}


def _towers(*layers):
    """How the widths of the towers act."""
    return {"tower_units": Option((2,), layers or ("towers",))}


def _interest(*first):
    """How DIN's unit in front of a model acts; ``first`` are the layers that read the features."""
    return {
        "interest": Option("attention", ("features", "history_weights", "interest")),
        "attention_units": Option((3,), ("history_weights",), _ATTENTION),
        "attention_activation": Option("relu", ("history_weights",), _ATTENTION),
        "scale": Option("length", ("history_weights",), _ATTENTION),
        "product": Option(True, ("features", *first), _ATTENTION),
        "histories": Option(("history",), ("history_weights", "interest"), _ATTENTION),
    }


ROWS = (
    Model(
        key="shared_bottom",
        name="Shared-Bottom",
        builder=f"{_TASKS}:build_shared_bottom",
        lesson=f"{_CHAPTER}/01_shared_bottom",
        paper="Caruana 1997",
        tests="multi_task/test_architectures.py",
        needs=_MANY,
        tiny=_SMALL | {"hidden_units": (6, 5)},
        second=network("shared_bottom", "towers")
        | tables("embedding")
        | _towers()
        | _interest("shared_bottom")
        | {"bottom_activation": Option("sigmoid", ("shared_bottom",))},
        needs_network=True,
    ),
    Model(
        key="omoe",
        name="OMoE",
        builder=f"{_TASKS}:build_omoe",
        lesson=f"{_CHAPTER}/02_mmoe",
        paper="Ma et al. 2018",
        tests="multi_task/test_architectures.py",
        needs=_MANY,
        tiny=_EXPERTS,
        second=network("experts", "towers", widths="expert_units")
        | tables("embedding")
        | _towers()
        | _interest("experts")
        | {
            "num_experts": Option(2, ("experts", "gates")),
            "expert_activation": Option("sigmoid", ("experts",)),
        },
        needs_network=True,
    ),
    Model(
        key="mmoe",
        name="MMoE",
        builder=f"{_TASKS}:build_mmoe",
        lesson=f"{_CHAPTER}/02_mmoe",
        paper="Ma et al. 2018",
        tests="multi_task/test_architectures.py",
        needs=_MANY,
        tiny=_EXPERTS,
        second=network("experts", "towers", widths="expert_units")
        | tables("embedding")
        | _towers()
        | _interest("experts")
        | {
            "num_experts": Option(2, ("experts", "gates")),
            "expert_activation": Option("sigmoid", ("experts",)),
            "one_gate": Option(True, ("gates",)),
        },
        needs_network=True,
    ),
    Model(
        key="cgc",
        name="CGC",
        builder=f"{_TASKS}:build_cgc",
        lesson=f"{_CHAPTER}/03_cgc_and_ple",
        paper="Tang et al. 2020",
        tests="multi_task/test_architectures.py",
        needs=_MANY,
        tiny=_SMALL | {"expert_units": (5,)},
        second=network("experts_1", "towers", widths="expert_units")
        | tables("embedding")
        | _towers()
        | _interest("experts_1")
        | {
            "num_task_experts": Option(1, ("experts_1", "gates_1")),
            "num_shared_experts": Option(1, ("experts_1", "gates_1")),
            "expert_activation": Option("sigmoid", ("experts_1",)),
        },
        needs_network=True,
    ),
    Model(
        key="ple",
        name="PLE",
        builder=f"{_TASKS}:build_ple",
        lesson=f"{_CHAPTER}/03_cgc_and_ple",
        paper="Tang et al. 2020",
        tests="multi_task/test_architectures.py",
        needs=_MANY,
        tiny=_SMALL | {"expert_units": (5,)},
        second=network("experts_1", "experts_2", "towers", widths="expert_units")
        | tables("embedding")
        | _towers()
        | _interest("experts_1")
        | {
            "num_levels": Option(1, ("towers",)),
            "num_task_experts": Option(1, ("experts_1", "experts_2", "gates_1", "gates_2")),
            "num_shared_experts": Option(1, ("experts_1", "experts_2", "gates_1", "gates_2")),
            "expert_activation": Option("sigmoid", ("experts_1", "experts_2")),
        },
        needs_network=True,
    ),
    Model(
        key="esmm",
        name="ESMM",
        builder=f"{_TASKS}:build_esmm",
        lesson=f"{_CHAPTER}/04_esmm",
        paper="Ma et al. 2018b",
        tests="multi_task/test_esmm.py",
        needs=("several tasks", "two tasks"),
        tiny={"embedding_dim": 4, "activation": "tanh", "hidden_units": (6, 5)},
        second=network("click_tower", "cvr_tower")
        | tables("embedding")
        | _interest("click_tower", "cvr_tower"),
        needs_network=True,
    ),
)
