"""Wide & Deep: a linear model over crossed ids remembers, a network over embeddings generalises.

Both parts predict the same label through one sigmoid and are trained jointly on one loss:

    P(y = 1 | x) = sigmoid(w_wide . [x, phi(x)] + w_deep . a + b)

x are the features as they are, phi(x) the pairs of ids that occur together, a the network's last
hidden layer.

Source: Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems", equation 3.
Taught in chapter 01, "Wide & Deep".
"""

from collections.abc import Mapping, Sequence
from typing import Unpack

import keras
from keras import KerasTensor

from recsys_lib.checks import check_bool, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.features.crosses import DEFAULT_MAX_ROWS, DEFAULT_NUM_BUCKETS, CrossProduct
from recsys_lib.features.embedding import build_inputs, embed_groups
from recsys_lib.layers.blocks import deep_logit, linear_logit, side_by_side
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import (
    DeepLinearOptions,
    DeepOptions,
    LinearOptions,
    options_for,
    shared_options,
    tables,
)
from recsys_lib.training.optimizers import Adam, Ftrl, optimizer_per_group

Pairs = Sequence[tuple[str, str]]


@shared_options()
def build_wide_and_deep(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    cross_pairs: Pairs | None = None,
    network_per_group: bool = False,
    max_cross_rows: int = DEFAULT_MAX_ROWS,
    num_cross_buckets: int = DEFAULT_NUM_BUCKETS,
    **common: Unpack[DeepLinearOptions],
) -> keras.Model:
    """Build Wide & Deep, both parts joined in one logit.

    Args:
        feature_columns: columns of any kind.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        cross_pairs: pairs of column names to cross; default: all pairs of id columns. ``()``: no
            crosses, the wide part is the first-order term alone, as in most published comparisons.
        network_per_group: give each feature group (user, item, ...) a network and a logit of its
            own. Features of different groups then meet nowhere in the deep part. Default: one
            network over all features, as in the paper.
        max_cross_rows, num_cross_buckets: pairs with more combinations than the first are hashed
            into that many buckets, see ``CrossProduct``.
        **common: see ``TableOptions`` and ``NetworkOptions``, both of the deep part, which has a
            hidden layer at least, and ``LinearOptions`` of the wide part.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``wide_linear`` and ``wide_linear_numeric``, weights of ids and numbers; ``wide_cross``,
        weights of crosses; ``deep_embedding``; ``deep_all`` and ``deep_all_logit``, the network and
        its logit (with a network per group, the group's name in place of ``all``).

    Raises:
        ValueError: an option out of range, a pair of columns that cannot be crossed, or several
            tasks.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_wide_and_deep(columns, "click", cross_pairs=[("user_id", "movie_id")])
        >>> model.get_layer("wide_cross").num_rows  # 6 x 9 pairs
        54
    """
    inputs = build_inputs(feature_columns)
    logits = _wide_logits(
        inputs, feature_columns, cross_pairs, max_cross_rows, num_cross_buckets, common
    )
    logits += _deep_logits(inputs, feature_columns, network_per_group, common)
    return keras.Model(inputs, predict_one(tasks, logits), name="wide_and_deep")


@shared_options()
def build_wide(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    cross_pairs: Pairs | None = None,
    max_cross_rows: int = DEFAULT_MAX_ROWS,
    num_cross_buckets: int = DEFAULT_NUM_BUCKETS,
    **common: Unpack[LinearOptions],
) -> keras.Model:
    """Build the wide part alone: logistic regression with crosses.

    Args:
        feature_columns: columns of any kind.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        cross_pairs, max_cross_rows, num_cross_buckets, **common: as for ``build_wide_and_deep``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``wide_linear``, ``wide_linear_numeric`` and ``wide_cross``.

    Raises:
        ValueError: as ``build_wide_and_deep``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> build_wide(columns).count_params()  # 6 x 9 pairs, 15 ids and the bias
        70
    """
    inputs = build_inputs(feature_columns)
    logits = _wide_logits(
        inputs, feature_columns, cross_pairs, max_cross_rows, num_cross_buckets, common
    )
    return keras.Model(inputs, predict_one(tasks, logits), name="wide")


@shared_options()
def build_deep(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    network_per_group: bool = False,
    **common: Unpack[DeepOptions],
) -> keras.Model:
    """Build the deep part alone: embeddings and a network.

    Args:
        feature_columns: columns of any kind.
        tasks: the one task, see ``recsys_lib.layers.heads``.
        network_per_group, **common: as for ``build_wide_and_deep``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layers to look at:
        ``deep_embedding``, ``deep_all`` and ``deep_all_logit``.

    Raises:
        ValueError: as ``build_wide_and_deep``.

    Example:
        >>> from recsys_lib.features import CategoricalColumn
        >>> columns = [CategoricalColumn("user_id", 6), CategoricalColumn("movie_id", 9)]
        >>> model = build_deep(columns, "click", embedding_dim=4, hidden_units=(8,))
        >>> model.get_layer("deep_all").output.shape
        (None, 8)
    """
    inputs = build_inputs(feature_columns)
    logits = _deep_logits(inputs, feature_columns, network_per_group, common)
    return keras.Model(inputs, predict_one(tasks, logits), name="deep")


def wide_and_deep_optimizer(
    wide_learning_rate: float = 1.0,
    l1: float = 2e-3,
    l2: float = 0.0,
    initial_accumulator_value: float = 1e-5,
    deep_optimizer: keras.optimizers.Optimizer | None = None,
) -> keras.optimizers.Optimizer:
    """One rule per part, as in the paper: FTRL with L1 on the wide part, another on the deep part.

    Args:
        wide_learning_rate, l1, l2, initial_accumulator_value: of FTRL. The loss is a mean over
            the batch, so one row's gradient is of the order of 1 / batch size; an accumulator
            that starts much larger than its square leaves the wide part untrained.
        deep_optimizer: default ``Adam(3e-3)``.

    Returns:
        A Keras optimizer for ``build_wide_and_deep``.

    Example:
        >>> len(wide_and_deep_optimizer(l1=1e-3).optimizers)
        2
    """
    ftrl = Ftrl(
        wide_learning_rate,
        initial_accumulator_value=initial_accumulator_value,
        l1_regularization_strength=l1,
        l2_regularization_strength=l2,
    )
    deep = Adam(3e-3) if deep_optimizer is None else deep_optimizer
    return optimizer_per_group({"wide_.*": ftrl, "(?!wide_).*": deep})


def _wide_logits(inputs, columns, cross_pairs, max_rows, num_buckets, common) -> list[KerasTensor]:
    l2 = common["linear_l2"]
    logits = [linear_logit(inputs, columns, name="wide_linear", l2=l2)]
    if cross_pairs is None or len(cross_pairs):
        crosses = CrossProduct(columns, cross_pairs, max_rows, num_buckets, l2, name="wide_cross")
        logits.append(crosses(inputs))
    return logits


def _deep_logits(
    inputs: Mapping[str, KerasTensor],
    columns: Sequence[Column],
    network_per_group: bool,
    common: DeepOptions,
) -> list[KerasTensor]:
    """The logits of one network over all groups, or of a network for each."""
    check_widths("hidden_units", common["hidden_units"])
    groups = embed_groups(inputs, columns, name="deep_embedding", **tables(columns, common))
    if not check_bool("network_per_group", network_per_group):
        groups = {"all": side_by_side(groups.values())}
    return [
        deep_logit(vector, **options_for(deep_logit, common), name=f"deep_{group}")
        for group, vector in groups.items()
    ]
