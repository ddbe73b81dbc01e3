"""A ranker of the book's parts: history, surface, two tasks.

    interest = DIN(history, candidate)                              chapter 04
    x        = GateNU([e_s, sg(f)]) o f,   f = [profile, candidate, interest]    chapter 06
    h_t      = sum_k g_tk(x) expert_k(x)                            chapter 05, MMoE
    pCTR = sigmoid(tower_1(h_1)),  pCTCVR = pCTR sigmoid(tower_2(h_2))           chapter 05, ESMM

e_s is the vector of the surface, the scenario; sg lets no gradient through. Each part can be left
out, so that it can be measured what it is worth.

Sources: those of ``recsys_lib.sequence.din``, ``recsys_lib.multi_scenario.pepnet``,
``recsys_lib.multi_task.mmoe`` and ``recsys_lib.multi_task.esmm``.
Taught in chapter 07, "One request".
"""

import keras
from keras import ops

from recsys_lib.features.columns import check_columns
from recsys_lib.features.embedding import MaskedPooling, build_inputs
from recsys_lib.layers.attention import weighted_sum
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack
from recsys_lib.multi_scenario.parts import KnownScenarios, flat_features, scenario_column
from recsys_lib.multi_scenario.pepnet import GateNU
from recsys_lib.multi_task.parts import check_tasks, task_logits
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.din import ActivationUnit

HISTORIES = ("attention", "mean", "none")
SCENARIOS = ("gate", "feature", "none")


def build_ranker(
    feature_columns,
    tasks=("click", "conversion"),
    embedding_dim=8,
    history="attention",
    scenario="gate",
    num_experts=4,
    expert_units=(32,),
    tower_units=(16,),
    attention_units=(16,),
    attention_activation="relu",
    gate_units=16,
    histories=None,
):
    """Build the model.

    Args:
        feature_columns: columns with a behaviour history, see ``behaviour_pairs``, and with one of
            group ``scenario``.
        tasks: names of the click and of "clicked and converted"; or one name: a model of this task
            alone, whose probability is no product.
        embedding_dim: width of each column's vector.
        history: ``"attention"``: DIN's unit and weighted sum; ``"mean"``: the mean, and its product
            with the candidate; ``"none"``: not read.
        scenario: ``"gate"``: EPNet's gate on all features; ``"feature"``: its vector is one more
            feature; ``"none"``: not read, and not an input of the model.
        num_experts: experts of MMoE; 1 is a Shared-Bottom.
        expert_units, tower_units: widths of each expert's and each task's own layers.
        attention_units, attention_activation: of DIN's unit.
        gate_units: width of the hidden layer of EPNet's gate.
        histories: see ``behaviour_pairs``.

    Returns:
        ``keras.Model`` from the columns' inputs to a dict of task to probability ``(batch,)``.
        Layers: ``history_weights`` ``(batch, steps)`` and ``interest``; ``features`` and
        ``scenario_gate``, ``(batch, width)``; ``experts``, ``gates`` and ``mixtures``;
        ``conversion_given_click`` ``(batch,)``.

    Raises:
        ValueError: no history, no scenario column, an unknown option, or more than two tasks.
    """
    for name, value, known in (("history", history, HISTORIES), ("scenario", scenario, SCENARIOS)):
        if value not in known:
            raise ValueError(f"{name}: expected one of {known}, got {value!r}")
    kinds = check_tasks(tasks)
    for task, kind in kinds.items():
        if kind != "binary":
            raise ValueError(f"task {task!r}: expected 'binary', got {kind!r}")
    tasks = list(kinds)
    if len(tasks) > 2:
        raise ValueError(f"tasks: expected a click and a conversion, or one task, got {tasks}")
    columns = check_columns(feature_columns)
    surface = scenario_column(columns)
    others = tuple(column for column in columns if column.name != surface.name)
    request = read_request(others, embedding_dim, histories)
    interest = _interest(request, history, attention_units, attention_activation)
    profile = [] if request.profile is None else [request.profile]
    features = [*profile, request.candidate, *interest]
    inputs = dict(request.inputs)
    if scenario != "none":
        inputs |= build_inputs([surface])
        known = KnownScenarios(surface, name="known_scenarios")(inputs[surface.name])
        vector = flat_features(
            {surface.name: known}, [surface], embedding_dim, "scenario_vector", "scenario_embedding"
        )
        if scenario == "feature":
            features.append(vector)
    features = _together(features, "features")
    if scenario == "gate":
        read = ops.concatenate([vector, ops.stop_gradient(features)], axis=-1)
        gate = GateNU(features.shape[-1], gate_units, name="scenario_gate")(read)
        features = keras.layers.Multiply(name="gated_features")([gate, features])
    hidden = _mixtures(features, num_experts, expert_units, len(tasks))
    outputs = _funnel(task_logits(hidden, tower_units, len(tasks)), tasks)
    names = [column.name for column in columns if column.name in inputs]
    return keras.Model({name: inputs[name] for name in names}, outputs, name="ranker")


def _together(parts, name):
    joined = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
    return keras.layers.Identity(name=name)(joined)


def _interest(request, history, units, activation):
    """What the candidate makes of the history: a list of ``(batch, width)``."""
    if history == "none":
        return []
    if history == "mean":
        pooling = MaskedPooling(name="interest")
        mean = ops.squeeze(pooling(request.behaviours, ops.cast(request.mask, "int32")), axis=1)
        return [mean, mean * request.candidate]
    unit = ActivationUnit(units, activation, name="history_weights")
    weights = unit(request.behaviours, request.candidate, request.mask)
    return [weighted_sum(weights, request.behaviours, name="interest")]


def _mixtures(features, num_experts, expert_units, num_tasks):
    """What the towers read: ``(batch, tasks, units)``, or ``(batch, units)`` for all of them."""
    if num_experts == 1:
        return MLP(expert_units, name="experts")(features)
    experts = NetworkStack(num_experts, expert_units, name="experts")(features)
    gates = Gates(num_tasks, num_experts, name="gates")(features)
    return Mixture(name="mixtures")(gates, experts)


def _funnel(logits, tasks):
    """ESMM's outputs from the towers' logits ``(batch, tasks, 1)``."""
    click = PredictionHead(name=tasks[0])(logits[:, 0])
    if len(tasks) == 1:
        return {tasks[0]: click}
    after = PredictionHead(name="conversion_given_click")(logits[:, 1])
    return {tasks[0]: click, tasks[1]: keras.layers.Multiply(name=tasks[1])([click, after])}
