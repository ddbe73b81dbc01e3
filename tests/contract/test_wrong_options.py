"""A wrong option is named: each row says of what it builds what was expected and what it got."""

import math

import pytest
from world import by_key, columns_by_key, settings_of, tasks_of

WRONG = {
    "afn": [
        ({"num_neurons": 0}, "num_neurons: expected an integer of 1 or more, got 0"),
        ({"epsilon": 0.0}, "epsilon: .* excluding 0, got 0.0"),
        ({"deep_units": (0,)}, "deep_units: expected an integer of 1 or more, got 0"),
    ],
    "finalmlp": [
        ({"num_heads": 4}, "num_heads: expected a divisor of the last widths 5 and 5, got 4"),
        (
            {"num_heads": 3, "second_units": (4,)},
            "num_heads: expected a divisor of the last widths 5 and 4, got 3",
        ),
        ({"num_heads": 0}, "num_heads: expected an integer of 1 or more, got 0"),
        ({"conditions": ("user",)}, r"conditions: expected two, .* got \('user',\)"),
        ({"conditions": ("user", "shop")}, r"one of \['context', 'item', 'scenario', 'user'\]"),
        ({"hidden_units": ()}, "hidden_units: expected"),
        ({"second_units": ()}, "second_units: expected"),
    ],
    "masknet_s": [
        ({"block_units": ()}, "block_units: expected"),
        ({"mask_ratio": 0}, "mask_ratio: expected an integer of 1 or more, got 0"),
        ({"parallel": 1}, "parallel: expected True or False, got 1"),
        ({"layer_normalization": None}, "layer_normalization: expected True or False, got None"),
    ],
    "wide_and_deep": [
        ({"cross_pairs": [("user_id", "colour")]}, "colour"),
        ({"cross_pairs": [("user_id", "price")]}, "price"),
        ({"hidden_units": ()}, r"hidden_units: expected at least 1 layer, got \(\)"),
        ({"network_per_group": 1}, "network_per_group: expected True or False, got 1"),
        ({"max_cross_rows": 0}, "max_rows: expected an integer of 1 or more, got 0"),
        ({"linear_l2": -1}, "linear_l2: expected a finite number from 0, got -1"),
        ({"tasks": ("click", "like")}, "tasks: expected one task, got"),
        ({"dropout_rate": 1.0}, "dropout_rate"),
        ({"embedding_dim": 0}, "embedding_dim"),
    ],
    "stem": [
        ({"num_task_experts": 0}, "num_task_experts: expected an integer of 1 or more, got 0"),
        ({"num_shared_experts": 1.5}, "num_shared_experts: expected an integer of 1 or more"),
        ({"expert_units": ()}, "expert_units: expected at least 1"),
        ({"tasks": ()}, "tasks: expected at least one, got none"),
    ],
    "ranker": [
        ({"interest": "sum"}, r"interest: expected one of \('attention', 'mean', 'none'\), got"),
        (
            {"scenario_use": "tower"},
            r"scenario_use: expected one of \('gate', 'feature', 'none'\), got",
        ),
        ({"tasks": ("a", "b", "c")}, "tasks: expected a click and a conversion, or one task, got"),
        ({"tasks": ()}, "tasks: expected at least one, got none"),
        ({"tasks": ("click", "click")}, "tasks: expected different names"),
        ({"tasks": {"click": "binary", "minutes": "regression"}}, "'minutes': expected 'binary'"),
        ({"histories": ("movie_id",)}, "history 'movie_id': expected a sequence column"),
        ({"scale": "mean"}, "scale: expected one of"),
        ({"product": "yes"}, "product: expected True or False"),
        ({"num_experts": 0}, "num_experts: expected an integer of 1 or more, got 0"),
    ],
    "dcn_v2": [
        ({"rank": 0}, "rank: expected an integer of 1 or more, got 0"),
        ({"embedding_dim": 4, "rank": 24}, "at most the input's width 23, got 24"),
        ({"num_experts": 0}, "num_experts: expected an integer of 1 or more, got 0"),
        ({"num_experts": 2}, "rank: expected an integer with num_experts=2 .*, got None"),
        ({"expert_activation": "tanh"}, "expert_activation='tanh', got None"),
        ({"num_experts": 2, "rank": 0}, "rank: expected an integer of 1 or more, got 0"),
        ({"num_experts": 2, "rank": 999}, "rank: expected at most the input's width"),
        ({"gate": "top"}, r"gate: expected one of \('softmax', 'sigmoid'\), got 'top'"),
    ],
    "lr": [
        ({"linear_l2": -1}, "linear_l2: expected a finite number from 0, got -1"),
        ({"tasks": ("click", "like")}, "tasks: expected one task, got"),
    ],
    "afm": [
        ({"attention_dim": 0}, "attention_dim: expected an integer of 1 or more, got 0"),
        ({"attention_l2": -1.0}, "attention_l2: expected a finite number from 0, got -1.0"),
        ({"dropout_rate": 1.5}, "dropout_rate: expected"),
        ({"pooled_dropout_rate": 1.0}, "pooled_dropout_rate: expected"),
        ({"attention_dropout_rate": -0.1}, "attention_dropout_rate: expected"),
        ({"activation": "no such"}, "no such"),
    ],
    "fibinet": [
        ({"bilinear": "pair"}, r"bilinear: expected one of \('all', 'each', 'interaction'\), got"),
        ({"reduction_ratio": 0}, "reduction_ratio: expected a finite number from 1, got 0"),
        ({"senet_activation": "no such"}, "no such"),
    ],
    "pnn": [
        ({"products": "cross"}, r"products: expected one of \('inner', 'outer', 'both'\), got"),
        ({"signals": "concat"}, r"signals: expected one of \('added', 'pairs'\), got 'concat'"),
        ({"hidden_units": ()}, r"hidden_units: expected at least 1 layer, got \(\)"),
        ({"hidden_units": (0, 3)}, "hidden_units: expected an integer of 1 or more, got 0"),
    ],
    "autoint": [
        ({"num_layers": 0}, "num_layers: expected an integer"),
        ({"num_heads": 0}, "num_heads: expected an integer"),
        ({"head_dim": 1.5}, "head_dim: expected an integer"),
        ({"attention_dropout_rate": 1.0}, "attention_dropout_rate: expected"),
        ({"identity_residual": 1}, "identity_residual: expected True or False, got 1"),
    ],
    "dcn": [
        ({"num_cross_layers": 0}, "num_cross_layers: expected an integer"),
        ({"num_cross_layers": 2.0}, "of 1 or more, got 2.0"),
        ({"hidden_units": (8, 0)}, "hidden_units: expected an integer of 1"),
    ],
    "edcn": [
        ({"bridge": "mean"}, r"bridge: expected one of \('sum', .*\), got 'mean'"),
        ({"temperature": 0.0}, "temperature: .* excluding 0, got 0.0"),
        ({"num_cross_layers": 0}, "num_cross_layers: expected an integer of 1"),
    ],
    "gdcn_s": [
        ({"stacked": "yes"}, "stacked: expected True or False, got 'yes'"),
        ({"num_cross_layers": 0}, "num_cross_layers: expected an integer"),
    ],
    "xdeepfm": [
        ({"cin_layer_sizes": ()}, "cin_layer_sizes: expected at least 1 layer"),
        ({"cin_layer_sizes": (4, 0)}, "of 1 or more, got 0"),
        (
            {"cin_layer_sizes": (3, 3), "split_half": True},
            r"even sizes before the last layer, got \(3, 3\)",
        ),
    ],
    "adasparse": [
        ({"form": "soft"}, "form: expected one of .*got 'soft'"),
        ({"alpha": 0.0}, "alpha: .* from 0 excluding 0, got 0.0"),
        ({"beta": -1.0}, "beta: .* from 0 excluding 0, got -1.0"),
        ({"epsilon": -0.1}, "epsilon: .* from 0 to 2 excluding 2, got -0.1"),
        ({"epsilon": 2.0}, "epsilon: .* from 0 to 2 excluding 2, got 2.0"),
        ({"form": "binarization", "epsilon": 1.2}, "epsilon: .* to 1 excluding 1, got 1.2"),
        ({"pruned_share": (0.5, 0.2)}, r"pruned_share: .*low <= high, got \(0.5, 0.2\)"),
        ({"pruned_share": (0.5, 1.2)}, "pruned_share: .* from 0 to 1, got 1.2"),
        ({"sparsity_weight": -1.0}, "sparsity_weight: .* from 0, got -1.0"),
        ({"sparsity_weight": math.nan}, "sparsity_weight: .* from 0, got nan"),
        ({"alpha": math.nan}, "alpha: .* from 0 excluding 0, got nan"),
        ({"pruned_share": 0.2}, "pruned_share: expected two numbers, got 0.2"),
        ({"hidden_units": ()}, "expected at least 1 layer"),
        ({"hidden_units": (4, 0)}, "hidden_units: .* got 0"),
        ({"scenario": "tab"}, r"no feature column is named \['tab'\]"),
    ],
    "apg": [
        (
            {"rank": 5, "inner_units": 5, "hidden_units": (5, 4)},
            "apg_2: expected a rank up to 4, the smaller of",
        ),
        ({"rank": 0}, "rank: expected an integer of 1 or more, got 0"),
        ({"inner_units": 2}, "expected inner_units of the rank 3 or more, got 2"),
        ({"condition_units": (0,)}, "condition_units: expected an integer of 1 or more"),
        ({"condition": "user"}, "condition: expected one of .*got 'user'"),
        ({"condition_columns": ["movie_id"]}, "only for the condition 'mix', got 'group'"),
        (
            {"condition": "mix", "condition_columns": ["tab"]},
            r"no feature column is named \['tab'\]",
        ),
        ({"hidden_units": ()}, "hidden_units: expected at least 1 layer"),
        ({"scenario": "tab"}, r"no feature column is named \['tab'\]"),
    ],
    "hmoe": [
        ({"num_experts": 0}, "num_experts: expected an integer of 1"),
        ({"expert_units": ()}, "expert_units: expected at least 1 layer"),
        ({"tower_units": (0,)}, "tower_units: expected an integer of 1"),
        ({"own_weight": 1}, "own_weight: .* from 0 to 1 excluding 0 and 1"),
    ],
    "m2m": [
        ({"profile": ["tab"]}, r"no feature column is named \['tab'\]"),
        ({"profile": ["surface"]}, r"no feature column is named \['surface'\]"),
        ({"scenario": "tab"}, r"no feature column is named \['tab'\]"),
        ({"tasks": ("click", "click")}, "tasks: expected different names"),
        ({"num_experts": 0}, "num_experts: expected an integer of 1"),
        ({"expert_units": (4, 0)}, "expert_units: expected an integer of 1"),
        ({"expert_units": ()}, "expert_units: expected at least 1 layer"),
        ({"knowledge_units": ()}, "knowledge_units: expected at least 1 layer"),
        ({"num_tower_layers": 0}, "num_tower_layers: expected an integer of 1 or more"),
        ({"num_meta_layers": 0}, "num_meta_layers: expected an integer of 1 or more"),
    ],
    "pepnet": [
        ({"scenario": "tab"}, r"no feature column is named \['tab'\]"),
        ({"prior": ["tab"]}, r"no feature column is named \['tab'\]"),
        ({"prior": ["surface"]}, r"no feature column is named \['surface'\]"),
        ({"prior": []}, "prior: expected names of columns"),
        ({"tasks": ("click", "click")}, "tasks: expected different names"),
        ({"hidden_units": ()}, "hidden_units: expected at least 1 layer"),
        ({"hidden_units": (4, 0)}, "hidden_units: expected an integer of 1"),
        ({"gate_units": 0}, "gate_units: expected an integer of 1 or more, got 0"),
        ({"prior": "user_id"}, "expected a list, got the text 'user_id'"),
    ],
    "star": [
        ({"hidden_units": (4, 0)}, "hidden_units: expected an integer of 1"),
        ({"hidden_units": ()}, "hidden_units: expected at least 1 layer"),
        ({"auxiliary_units": (0,)}, "auxiliary_units: expected an integer of 1"),
    ],
    "mmoe": [
        ({"tasks": []}, "tasks: expected at least one, got none"),
        ({"tasks": ["click", "click"]}, "tasks: expected different names"),
        ({"tasks": {"click": "count"}}, "task 'click': expected 'binary' or"),
        ({"num_experts": 0}, "num_experts: expected an integer"),
        ({"expert_units": (4, 0)}, "expert_units: expected an int"),
        ({"expert_units": ()}, "expert_units: expected at least 1"),
        ({"tower_units": 8}, "tower_units: expected widths"),
        ({"one_gate": 1}, "one_gate: expected True or False"),
    ],
    "shared_bottom": [
        ({"hidden_units": ()}, "expected at least 1 layer"),
    ],
    "ple": [
        ({"num_levels": 0}, "num_levels: expected an integer of 1"),
        (
            {"num_task_experts": {"click": 1, "buy": 2}},
            "num_task_experts: expected the tasks .'zeta', 'alpha'., got .'click', 'b",
        ),
        (
            {"num_shared_experts": (1, 2, 1)},
            "num_shared_experts: expected a number for each of 2 levels, got .1, 2, 1.",
        ),
        (
            {"num_levels": 1, "num_task_experts": (1, 2)},
            "num_task_experts, 'zeta': expected a number for each of 1 levels",
        ),
    ],
    "cgc": [
        ({"num_shared_experts": 0}, "num_shared_experts: expected"),
        ({"num_task_experts": 0}, "num_task_experts, 'zeta': exp"),
    ],
    "dien": [
        ({"evolution": "gru"}, "evolution: expected one of"),
        ({"auxiliary_weight": -1}, "auxiliary_weight: expected a finite"),
    ],
}
"""Of each row of the zoo: wrong options, and the message."""


CASES = [
    pytest.param(key, options, message, id="-".join([key, *options]))
    for key, cases in WRONG.items()
    for options, message in cases
]


@pytest.mark.parametrize(("key", "options", "message"), CASES)
def test_a_wrong_option_is_named(key, options, message):
    row = by_key(key)
    options = {**settings_of(row), **options}
    tasks = options.pop("tasks", tasks_of(row))
    with pytest.raises(ValueError, match=message):
        row.build(columns_by_key(key), tasks, **options)
