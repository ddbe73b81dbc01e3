"""Options that are handed on to nobody, gradients that are cut: what the contract suite sees."""

from runner import Mutant

OPTIONS = "contract/test_options.py::test_the_option_acts"
GRADIENTS = "contract/test_gradients.py::test_gradients_are_those_of_the_formula"
PROMISES = "contract/test_promises.py"


def not_handed_on(key, option, file, old, new):
    """A builder or layer that takes an option and leaves it at its default."""
    name = f"{key}: {option} is handed on to nobody"
    return Mutant(name, f"recsys_lib/{file}.py", old, new, f"{OPTIONS}[{key}-{option}]")


MUTANTS = [
    not_handed_on(
        "deepfm",
        "dropout_rate",
        "second_order/deepfm",
        "        dropout_rate=dropout_rate,\n",
        "        dropout_rate=0.0,\n",
    ),
    not_handed_on(
        "deepfm",
        "batch_normalization",
        "second_order/deepfm",
        "        batch_normalization=batch_normalization,\n",
        "        batch_normalization=False,\n",
    ),
    not_handed_on(
        "deepfm",
        "linear_l2",
        "second_order/deepfm",
        "linear_logit(inputs, feature_columns, l2=linear_l2)",
        "linear_logit(inputs, feature_columns)",
    ),
    not_handed_on(
        "fm",
        "embedding_l2",
        "second_order/fm",
        "        l2=embedding_l2,\n",
        "        l2=0.0,\n",
    ),
    not_handed_on(
        "nfm",
        "interaction_dropout_rate",
        "second_order/nfm",
        "keras.layers.Dropout(rate, name",
        "keras.layers.Dropout(0.0, name",
    ),
    not_handed_on(
        "fibinet",
        "senet_activation",
        "second_order/fibinet",
        "FieldWeights(reduction_ratio, senet_activation, name",
        "FieldWeights(reduction_ratio, name",
    ),
    not_handed_on(
        "fibinet",
        "bilinear",
        "second_order/fibinet",
        'BilinearInteraction(bilinear, name="bilinear_senet")',
        'BilinearInteraction("interaction", name="bilinear_senet")',
    ),
    not_handed_on(
        "wide_and_deep",
        "linear_l2",
        "memorization/wide_and_deep",
        "CrossProduct(columns, cross_pairs, max_rows, num_buckets, l2, name",
        "CrossProduct(columns, cross_pairs, max_rows, num_buckets, name",
    ),
    not_handed_on(
        "xdeepfm",
        "split_half",
        "higher_order/xdeepfm",
        "compressed_interaction(fields, cin_layer_sizes, cin_activation, split_half)",
        "compressed_interaction(fields, cin_layer_sizes, cin_activation)",
    ),
    not_handed_on(
        "din",
        "attention_activation",
        "sequence/din",
        "activation if attention_activation is None else attention_activation",
        "activation",
    ),
    not_handed_on(
        "din",
        "batch_normalization",
        "sequence/din",
        "        dropout_rate,\n        batch_normalization,\n        name=",
        "        dropout_rate,\n        False,\n        name=",
    ),
    not_handed_on(
        "dien",
        "auxiliary_average",
        "sequence/dien",
        "average=auxiliary_average, name",
        "name",
    ),
    not_handed_on(
        "mmoe",
        "expert_activation",
        "multi_task/mmoe",
        "activation if expert_activation is None else expert_activation",
        "activation",
    ),
    not_handed_on(
        "apg",
        "condition_units",
        "multi_scenario/apg",
        "APGDense(units, rank, inner_units, condition_units, **options, name",
        "APGDense(units, rank, inner_units, **options, name",
    ),
    not_handed_on(
        "ranker",
        "histories",
        "one_request/ranker",
        "        histories,\n        embeddings_initializer=embeddings_initializer,\n",
        "        embeddings_initializer=embeddings_initializer,\n",
    ),
    not_handed_on(
        "ranker",
        "embedding_l2",
        "one_request/ranker",
        "            embeddings_initializer,\n            l2,\n        )",
        "            embeddings_initializer,\n        )",
    ),
    not_handed_on(
        "shared_bottom",
        "dropout_rate",
        "multi_task/shared_bottom",
        "task_logits(shared, tower_units, num_tasks, activation=activation, **hidden)",
        "task_logits(shared, tower_units, num_tasks, activation=activation)",
    ),
    not_handed_on(
        "star",
        "embeddings_initializer",
        "multi_scenario/star",
        "[scenario_vector(given, embedding_dim, **tables), features]",
        "[scenario_vector(given, embedding_dim, l2=l2), features]",
    ),
    not_handed_on(
        "pepnet",
        "gate_units",
        "multi_scenario/pepnet",
        "GateNU(units, gate_units, num_tasks, name",
        "GateNU(units, 32, num_tasks, name",
    ),
    Mutant(
        "DeepFM: the network's way to the shared vectors is cut",
        "recsys_lib/second_order/deepfm.py",
        'keras.layers.Flatten(name="deep_inputs")(deep_fields)',
        'keras.layers.Flatten(name="deep_inputs")(keras.ops.stop_gradient(deep_fields))',
        f"{GRADIENTS}[deepfm]",
    ),
    Mutant(
        "DIN: attention learns nothing of the candidate's vector",
        "recsys_lib/sequence/din.py",
        "unit(request.behaviours, request.candidate, request.mask, *context)",
        "unit(request.behaviours, keras.ops.stop_gradient(request.candidate), request.mask, "
        "*context)",
        f"{GRADIENTS}[din]",
    ),
    Mutant(
        "PEPNet: EPNet's gate trains the features it reads",
        "recsys_lib/multi_scenario/pepnet.py",
        "read = ops.concatenate([domain, ops.stop_gradient(features)], axis=-1)",
        "read = ops.concatenate([domain, features], axis=-1)",
        f"{GRADIENTS}[pepnet]",
    ),
    Mutant(
        "a head that takes the name of another task",
        "recsys_lib/layers/heads.py",
        "        for (task, kind), logit in zip(kinds.items(), each, strict=True)",
        "        for (task, kind), logit in zip(sorted(kinds.items()), each, strict=True)",
        f"{PROMISES}::test_each_label_goes_with_the_output_of_its_name[mmoe]",
    ),
    Mutant(
        "a head in half precision",
        "recsys_lib/layers/heads.py",
        '    if options.get("dtype") is None:\n',
        "    if False:\n",
        f"{PROMISES}::test_half_precision_predicts_about_the_same_and_trains[fm]",
    ),
]
