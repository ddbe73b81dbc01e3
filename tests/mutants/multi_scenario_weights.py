"""Mistakes in PEPNet, APG and M2M that the tests must reject."""

from runner import Mutant

CONDITIONS = "recsys_lib/multi_scenario/conditions.py"
PEPNET = "recsys_lib/multi_scenario/pepnet.py"
TEST_PEPNET = "multi_scenario/test_pepnet.py"
PEPNET_FORMULA = f"{TEST_PEPNET}::test_pepnet_equals_its_formula"
EPNET_GRADIENT = (
    f"{TEST_PEPNET}::test_no_gradient_passes_the_gate_of_epnet_but_the_gated_features_train"
)
PPNET_GRADIENT = (
    f"{TEST_PEPNET}::test_no_gradient_passes_the_gates_of_ppnet_to_the_embeddings_of_epnet"
)
IDENTITY = f"{TEST_PEPNET}::test_zero_weights_in_the_last_layer_make_a_gate_the_identity"

MUTANTS = [
    Mutant(
        "conditions: all features are picked",
        CONDITIONS,
        "if group in of_chosen]",
        "if group]",
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: a detached embedding enters the towers",
        PEPNET,
        'name="gated_features")([gate, features])',
        'name="gated_features")([gate, ops.stop_gradient(features)])',
        EPNET_GRADIENT,
    ),
    Mutant(
        "pepnet: the towers read the detached embedding",
        PEPNET,
        'name=f"hidden_{layer}")(current)',
        'name=f"hidden_{layer}")(ops.stop_gradient(current))',
        f"{TEST_PEPNET}::test_the_towers_train_the_gated_features",
    ),
    Mutant(
        "pepnet: the gate of EPNet trains the embedding",
        PEPNET,
        "[domain, ops.stop_gradient(features)]",
        "[domain, features]",
        EPNET_GRADIENT,
    ),
    Mutant(
        "pepnet: the gates of PPNet train the embedding",
        PEPNET,
        "[personal, ops.stop_gradient(embedded)]",
        "[personal, embedded]",
        PPNET_GRADIENT,
    ),
    Mutant(
        "pepnet: the prior is detached",
        PEPNET,
        "[personal, ops.stop_gradient(embedded)]",
        "ops.stop_gradient([personal, embedded])",
        PPNET_GRADIENT,
    ),
    Mutant(
        "pepnet: gates read the ungated embedding",
        PEPNET,
        "[personal, ops.stop_gradient(embedded)]",
        "[personal, ops.stop_gradient(features)]",
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: gates end at one",
        PEPNET,
        "gamma=2.0, **kwargs",
        "gamma=1.0, **kwargs",
        (PEPNET_FORMULA, IDENTITY),
    ),
    Mutant(
        "pepnet: a gate without its hidden layer's activation",
        PEPNET,
        'Dense(hidden_units, "relu", name="hidden")',
        'Dense(hidden_units, name="hidden")',
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: the factors of tasks are mixed up",
        PEPNET,
        "return ops.reshape(factors, (-1, self.num_tasks, self.units))",
        "return ops.moveaxis(ops.reshape(factors, (-1, self.units, self.num_tasks)), 1, 2)",
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: hidden units are not gated",
        PEPNET,
        'name=f"gated_{layer}")([gate, hidden])',
        'name=f"gated_{layer}")([ops.ones_like(gate), hidden])',
        PEPNET_FORMULA,
    ),
    Mutant(
        "pepnet: untrained scenarios answer",
        PEPNET,
        "domain = scenario_vector(given, embedding_dim)",
        "domain = scenario_vector(given._replace(values=given.inputs), embedding_dim)",
        f"{TEST_PEPNET}::test_an_unseen_scenario_is_the_zero_vector",
    ),
]
