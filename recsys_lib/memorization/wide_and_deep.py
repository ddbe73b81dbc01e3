"""Wide & Deep: a linear model over crossed ids remembers, a network over embeddings generalises.

Both parts predict the same label through one sigmoid and are trained jointly on one loss:

    P(y = 1 | x) = sigmoid(w_wide . [x, phi(x)] + w_deep . a + b)

x are the features as they are, phi(x) the pairs of ids that occur together, a the network's last
hidden layer.

Source: Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems", equation 3.
Taught in chapter 01, "Wide & Deep".
"""

import keras
from keras import ops

from recsys_lib.features.crosses import DEFAULT_MAX_ROWS, DEFAULT_NUM_BUCKETS, CrossProduct
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import MLP, linear_logit
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.training.optimizers import Adam, Ftrl, optimizer_per_group


def build_wide_and_deep(
    feature_columns,
    cross_pairs=None,
    embedding_dim=8,
    hidden_units=(64, 32),
    dropout_rate=0.0,
    network_per_group=False,
    max_cross_rows=DEFAULT_MAX_ROWS,
    num_cross_buckets=DEFAULT_NUM_BUCKETS,
    task="click",
):
    """Build the joint model.

    Args:
        feature_columns: columns of any kind.
        cross_pairs: pairs of column names to cross; default: all pairs of id columns.
        embedding_dim: width of the deep part's embeddings, unless a column states its own.
        hidden_units: widths of the deep part's layers.
        dropout_rate: dropout after each of them.
        network_per_group: give each feature group (user, item, ...) a network and a logit of its
            own. Features of different groups then meet nowhere in the deep part. Default: one
            network over all features, as in the paper.
        max_cross_rows, num_cross_buckets: see ``CrossProduct``.
        task: name of the output.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    inputs = build_inputs(feature_columns)
    logits = _wide_logits(inputs, feature_columns, cross_pairs, max_cross_rows, num_cross_buckets)
    logits += _deep_logits(
        inputs, feature_columns, embedding_dim, hidden_units, dropout_rate, network_per_group
    )
    return keras.Model(inputs, PredictionHead(name=task)(logits), name="wide_and_deep")


def build_wide(
    feature_columns,
    cross_pairs=None,
    max_cross_rows=DEFAULT_MAX_ROWS,
    num_cross_buckets=DEFAULT_NUM_BUCKETS,
    task="click",
):
    """The wide part alone: logistic regression with crosses. Arguments as above."""
    inputs = build_inputs(feature_columns)
    logits = _wide_logits(inputs, feature_columns, cross_pairs, max_cross_rows, num_cross_buckets)
    return keras.Model(inputs, PredictionHead(name=task)(logits), name="wide")


def build_deep(
    feature_columns,
    embedding_dim=8,
    hidden_units=(64, 32),
    dropout_rate=0.0,
    network_per_group=False,
    task="click",
):
    """The deep part alone: embeddings and a network. Arguments as above."""
    inputs = build_inputs(feature_columns)
    logits = _deep_logits(
        inputs, feature_columns, embedding_dim, hidden_units, dropout_rate, network_per_group
    )
    return keras.Model(inputs, PredictionHead(name=task)(logits), name="deep")


def wide_and_deep_optimizer(
    wide_learning_rate=1.0,
    l1=2e-3,
    l2=0.0,
    initial_accumulator_value=1e-5,
    deep_optimizer=None,
):
    """One rule per part, as in the paper: FTRL with L1 on the wide part, another on the deep part.

    Args:
        wide_learning_rate, l1, l2, initial_accumulator_value: of FTRL. The loss is a mean over
            the batch, so one row's gradient is of the order of 1 / batch size; an accumulator
            that starts much larger than its square leaves the wide part untrained.
        deep_optimizer: default ``Adam(3e-3)``.

    Returns:
        A Keras optimizer for ``build_wide_and_deep``.
    """
    ftrl = Ftrl(
        wide_learning_rate,
        initial_accumulator_value=initial_accumulator_value,
        l1_regularization_strength=l1,
        l2_regularization_strength=l2,
    )
    deep = Adam(3e-3) if deep_optimizer is None else deep_optimizer
    return optimizer_per_group({"wide_.*": ftrl, "(?!wide_).*": deep})


def _wide_logits(inputs, columns, cross_pairs, max_rows, num_buckets):
    crosses = CrossProduct(columns, cross_pairs, max_rows, num_buckets, name="wide_cross")
    return [linear_logit(inputs, columns, name="wide_linear"), crosses(inputs)]


def _deep_logits(inputs, columns, embedding_dim, hidden_units, dropout_rate, network_per_group):
    groups = embed_groups(inputs, columns, embedding_dim, name="deep_embedding")
    if not network_per_group:
        vectors = list(groups.values())
        groups = {"all": vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=-1)}
    logits = []
    for group, vector in groups.items():
        hidden = MLP(hidden_units, dropout_rate=dropout_rate, name=f"deep_{group}")(vector)
        # The head adds the one bias of the model.
        logits.append(keras.layers.Dense(1, use_bias=False, name=f"deep_{group}_logit")(hidden))
    return logits
