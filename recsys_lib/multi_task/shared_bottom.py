"""Shared-Bottom: one network for all tasks, and a small tower for each.

    y_t = f_t(g(x))

Of a user's history x holds what pooling makes of it, or what DIN's unit does,
``interest="attention"``.

Source: Caruana 1997, "Multitask Learning", section 1.1; in the form of Ma et al. 2018, section 3.1.
Taught in chapter 05, "Shared-Bottom".
"""

from collections.abc import Sequence

import keras

from recsys_lib.features.columns import Column
from recsys_lib.features.penalties import L2
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import Tasks, check_tasks, predict_each
from recsys_lib.layers.options import Activation, Initializer, Widths
from recsys_lib.multi_task.interest import Reading, task_input
from recsys_lib.multi_task.parts import task_logits


def build_shared_bottom(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    embedding_dim: int = 16,
    hidden_units: Widths = (64, 32),
    tower_units: Widths = (16,),
    bottom_activation: Activation | None = None,
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
        hidden_units: widths of the shared network's layers, at least one.
        tower_units: widths of each task's own layers; ``()``: a linear map alone.
        bottom_activation: of the shared network; default: ``activation``.
        interest: how a history is read: ``"pooled"``: every list is one feature, pooled by the
            column's combiner; ``"attention"``: the weights of DIN's activation unit, which sees
            each behaviour beside the candidate. Other ordered lists are then no inputs.
        attention_units, attention_activation, scale, product, histories: of ``"attention"`` alone,
            see ``build_din``.
        activation: Keras activation of the hidden layers, or ``"dice"`` or ``"prelu"``.
        dropout_rate: share of units dropped after each hidden layer, DIN's unit among them, in
            training only.
        batch_normalization: normalise in each hidden layer before its activation, in DIN's unit
            over real steps.
        embeddings_initializer: Keras initializer of the embedding tables.
        embedding_l2: penalty of the embedding tables, a number or an ``EmbeddingL2``.

    Returns:
        ``keras.Model`` from the columns' inputs to a prediction ``(batch,)``, or to a dict of task
        to prediction where ``tasks`` is no name. Layer ``shared_bottom`` holds what the tasks
        share, ``(batch, hidden_units[-1])``, and ``towers`` their logits ``(batch, tasks, 1)``.
        With attention ``history_weights`` holds the weights ``(batch, steps)``, ``interest`` their
        sum.

    Raises:
        ValueError: bad tasks or widths; attention and no history.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 5), CategoricalColumn("movie_id", 9)]
        >>> model = build_shared_bottom(columns, {"like": "binary", "minutes": "regression"})
        >>> list(model.output)
        ['like', 'minutes']
        >>> model.get_layer("shared_bottom").output.shape
        (None, 32)
    """
    num_tasks = len(check_tasks(tasks))
    hidden = {"dropout_rate": dropout_rate, "batch_normalization": batch_normalization}
    reading = Reading(interest, attention_units, attention_activation, scale, product, histories)
    inputs, features = task_input(
        feature_columns, embedding_dim, embeddings_initializer, embedding_l2, reading, **hidden
    )
    of_bottom = activation if bottom_activation is None else bottom_activation
    shared = MLP(hidden_units, of_bottom, **hidden, name="shared_bottom")(features)
    logits = task_logits(shared, tower_units, num_tasks, activation=activation, **hidden)
    return keras.Model(inputs, predict_each(tasks, logits), name="shared_bottom_model")
