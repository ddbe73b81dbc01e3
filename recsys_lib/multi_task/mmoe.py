"""MMoE: the tasks share experts, and each task's gate mixes them in its own way.

    e_k = f_k(x),    g_t(x) = softmax(W_t x),    h_t = sum_k g_tk(x) e_k,    y_t = tower_t(h_t)

With one gate for all tasks it is OMoE; with one expert it is Shared-Bottom. Of a user's history x
holds what pooling makes of it, or what DIN's unit does: ``interest="attention"``.

Source: Ma et al. 2018, "Modeling Task Relationships in Multi-task Learning with Multi-gate
Mixture-of-Experts", section 4 (equations 4 to 7).
Taught in chapter 05, "MMoE".
"""

from collections.abc import Sequence

import keras

from recsys_lib.checks import check_bool, check_integer, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.penalties import L2
from recsys_lib.layers.heads import Tasks, check_tasks, predict_each
from recsys_lib.layers.network_stack import Gates, Mixture, NetworkStack
from recsys_lib.layers.options import Activation, Initializer, Widths
from recsys_lib.multi_task.interest import Reading, task_input
from recsys_lib.multi_task.parts import task_logits


def build_mmoe(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    embedding_dim: int = 16,
    num_experts: int = 4,
    expert_units: Widths = (32,),
    tower_units: Widths = (16,),
    expert_activation: Activation | None = None,
    one_gate: bool = False,
    interest: str = "pooled",
    attention_units: Widths = (32, 16),
    attention_activation: Activation = "dice",
    scale: str = "raw",
    product: bool = False,
    histories: Sequence[str] | None = None,
    activation: Activation = "relu",
    dropout_rate: float = 0.0,
    batch_normalization: bool = False,
    embeddings_initializer: Initializer = None,
    embedding_l2: L2 = 0.0,
) -> keras.Model:
    """Build the model.

    Args:
        feature_columns: columns of any kind.
        tasks: a name, names, or a dict of name to ``"binary"`` or ``"regression"``.
        embedding_dim: width of each column's vector.
        num_experts: number of experts.
        expert_units: widths of each expert's layers, at least one.
        tower_units: widths of each task's own layers; ``()``: a linear map alone.
        expert_activation: of the experts; default: ``activation``.
        one_gate: OMoE: one gate for all tasks.
        interest: how a history is read: ``"pooled"``: every list is one feature, pooled by the
            column's combiner; ``"attention"``: the weights of DIN's activation unit, which sees
            each behaviour beside the candidate. Other ordered lists are then no inputs.
        attention_units, attention_activation, scale, product, histories: of ``"attention"`` alone,
            see ``build_din``.
        activation: Keras activation of the hidden layers, or ``"dice"`` or ``"prelu"``.
        dropout_rate: share of units dropped after each hidden layer, DIN's unit among them, in
            training only.
        batch_normalization: normalise in each hidden layer before its activation, in DIN's unit
            over real steps; gates have none.
        embeddings_initializer: Keras initializer of the embedding tables.
        embedding_l2: penalty of the embedding tables, a number or an ``EmbeddingL2``.

    Returns:
        ``keras.Model`` from the columns' inputs to a prediction ``(batch,)``, or to a dict of task
        to prediction where ``tasks`` is no name. Layer ``experts`` holds ``(batch, num_experts,
        units)``, ``gates`` the mixtures ``(batch, tasks, num_experts)`` (``(batch, 1,
        num_experts)`` for OMoE), ``mixtures`` the towers' input, ``towers`` the logits. With
        attention ``history_weights`` holds the weights ``(batch, steps)``, ``interest`` their sum.

    Raises:
        ValueError: bad tasks, widths or numbers of experts; attention and no history.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> model = build_mmoe(columns, ("like", "love"), num_experts=3)
        >>> list(model.output)
        ['like', 'love']
        >>> model.get_layer("gates").output.shape
        (None, 2, 3)
    """
    num_tasks = len(check_tasks(tasks))
    num_experts = check_integer("num_experts", num_experts)
    expert_units = check_widths("expert_units", expert_units)
    one_gate = check_bool("one_gate", one_gate)
    hidden = {"dropout_rate": dropout_rate, "batch_normalization": batch_normalization}
    reading = Reading(interest, attention_units, attention_activation, scale, product, histories)
    inputs, features = task_input(
        feature_columns, embedding_dim, embeddings_initializer, embedding_l2, reading, **hidden
    )
    of_experts = activation if expert_activation is None else expert_activation
    experts = NetworkStack(num_experts, expert_units, of_experts, **hidden, name="experts")(
        features
    )
    gates = Gates(1 if one_gate else num_tasks, num_experts, name="gates")(features)
    mixtures = Mixture(name="mixtures")(gates, experts)
    if one_gate:
        mixtures = mixtures[:, 0]  # every tower reads the one mixture
    logits = task_logits(mixtures, tower_units, num_tasks, activation=activation, **hidden)
    return keras.Model(inputs, predict_each(tasks, logits), name="omoe" if one_gate else "mmoe")


def build_omoe(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    embedding_dim: int = 16,
    num_experts: int = 4,
    expert_units: Widths = (32,),
    tower_units: Widths = (16,),
    expert_activation: Activation | None = None,
    interest: str = "pooled",
    attention_units: Widths = (32, 16),
    attention_activation: Activation = "dice",
    scale: str = "raw",
    product: bool = False,
    histories: Sequence[str] | None = None,
    activation: Activation = "relu",
    dropout_rate: float = 0.0,
    batch_normalization: bool = False,
    embeddings_initializer: Initializer = None,
    embedding_l2: L2 = 0.0,
) -> keras.Model:
    """MMoE with one gate for all tasks: ``build_mmoe(..., one_gate=True)``.

    Args:
        feature_columns, tasks, embedding_dim, num_experts, expert_units, tower_units,
            expert_activation, interest, attention_units, attention_activation, scale, product,
            histories, activation, dropout_rate, batch_normalization, embeddings_initializer,
            embedding_l2: as for ``build_mmoe``.

    Returns:
        As ``build_mmoe``; layer ``gates`` holds ``(batch, 1, num_experts)``.

    Raises:
        ValueError: as ``build_mmoe``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> build_omoe(columns, ("like", "love")).get_layer("gates").output.shape
        (None, 1, 4)
    """
    return build_mmoe(
        feature_columns,
        tasks,
        embedding_dim=embedding_dim,
        num_experts=num_experts,
        expert_units=expert_units,
        tower_units=tower_units,
        expert_activation=expert_activation,
        one_gate=True,
        interest=interest,
        attention_units=attention_units,
        attention_activation=attention_activation,
        scale=scale,
        product=product,
        histories=histories,
        activation=activation,
        dropout_rate=dropout_rate,
        batch_normalization=batch_normalization,
        embeddings_initializer=embeddings_initializer,
        embedding_l2=embedding_l2,
    )
