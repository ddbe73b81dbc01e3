"""What every multi-task model reads: all features, a history among them pooled or by DIN's unit.

    x = [profile, candidate, interest],    interest = sum_j a(e_j, v) e_j    over the real steps j

Experts, gates and towers then read x. All tasks share the interest, as they share the tables.

Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 4.3,
equation 3. See ``recsys_lib.sequence.din``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import KerasTensor

from recsys_lib.checks import check_choice
from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import check_l2
from recsys_lib.features.penalties import L2
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.options import Activation, Initializer, Widths
from recsys_lib.multi_task.parts import shared_input
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.din import attended_interest
from recsys_lib.sequence.head import with_products

INTERESTS = ("pooled", "attention")
"""How a history is read: as every list, or by DIN's unit."""


class Reading(NamedTuple):
    """How a history is read: these options of a builder, in their order.

    Args:
        interest: ``"pooled"``: every list is one feature, pooled by the column's combiner, see
            ``shared_input``; ``"attention"``: a history is read by DIN's unit, and other ordered
            lists are no inputs. What follows is of ``"attention"`` alone.
        attention_units, attention_activation: of the unit's network.
        scale, product: of the interest, see ``build_din``.
        histories: see ``behaviour_pairs``.
    """

    interest: str
    attention_units: Widths
    attention_activation: Activation
    scale: str
    product: bool
    histories: Sequence[str] | None


def task_input(
    feature_columns: Sequence[Column],
    embedding_dim: int,
    embeddings_initializer: Initializer,
    embedding_l2: L2,
    reading: Reading,
    **hidden: Any,
) -> tuple[dict[str, KerasTensor], KerasTensor]:
    """The inputs and all features side by side, a history pooled or read by DIN's unit.

    Args:
        feature_columns: columns of any kind; for ``"attention"`` with a behaviour history, see
            ``behaviour_pairs``.
        embedding_dim: width of each column's vector, where the column states none.
        embeddings_initializer: of the tables.
        embedding_l2: penalty of the tables, a number or an ``EmbeddingL2``.
        reading: how a history is read.
        **hidden: ``dropout_rate`` and ``batch_normalization`` of the unit's network.

    Returns:
        The dict of column name to input, in the order of the columns, and the layer ``features``,
        ``(batch, width)``. With attention layer ``history_weights`` holds the weights ``(batch,
        steps)``, ``interest`` the weighted sum, and ``interest_normalization``, where there is one,
        what is read in its place.

    Raises:
        ValueError: an unknown option; attention and no history.
    """
    interest, units, activation, scale, product, histories = reading
    if check_choice("interest", interest, INTERESTS) == "pooled":
        return shared_input(feature_columns, embedding_dim, embeddings_initializer, embedding_l2)
    request = read_request(
        feature_columns,
        embedding_dim,
        histories,
        embeddings_initializer=embeddings_initializer,
        embedding_l2=check_l2(feature_columns, embedding_l2),
    )
    attended = attended_interest(request, scale, "interest", units, activation, **hidden)
    profile = [] if request.profile is None else [request.profile]
    features = [*profile, request.candidate, *with_products(request, [attended], product)]
    return request.inputs, keras.layers.Identity(name="features")(side_by_side(features))
