"""A history in front of a multi-task model: what DIN's unit makes of it beside all other features.

    x = [profile, candidate, interest],    interest = sum_j a(e_j, v) e_j    over the real steps j

Experts, gates and towers then read x. All tasks share the interest, as they share the tables.

Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 4.3,
equation 3. See ``recsys_lib.sequence.din``.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor

from recsys_lib.features.columns import Column
from recsys_lib.features.embedding import check_l2
from recsys_lib.features.penalties import L2
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.options import Activation, Initializer, Widths
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.din import attended_interest
from recsys_lib.sequence.head import with_products

INTERESTS = ("pooled", "attention")
"""How a history is read: as every list, or by DIN's unit."""


def input_with_interest(
    feature_columns: Sequence[Column],
    embedding_dim: int,
    *,
    attention_units: Widths,
    attention_activation: Activation,
    scale: str,
    product: bool,
    histories: Sequence[str] | None,
    embeddings_initializer: Initializer = None,
    embedding_l2: L2 = 0.0,
    **hidden: Any,
) -> tuple[dict[str, KerasTensor], KerasTensor]:
    """The inputs, and all features side by side as the layer ``features``, the interest among them.

    Args:
        feature_columns: columns with a behaviour history, see ``behaviour_pairs``.
        embedding_dim: width of each column's vector, where the column states none.
        attention_units, attention_activation: of the unit's network.
        scale, product: of the interest, see ``build_din``.
        histories: see ``behaviour_pairs``.
        embeddings_initializer: of the tables.
        embedding_l2: penalty of the tables, a number or an ``EmbeddingL2``.
        **hidden: ``dropout_rate`` and ``batch_normalization`` of the unit's network.

    Returns:
        The dict of column name to input, in the order of the columns, and ``(batch, width)``. Layer
        ``history_weights`` holds the weights ``(batch, steps)``, ``interest`` the weighted sum, and
        ``interest_normalization``, where there is one, what is read in its place.

    Raises:
        ValueError: no history, or an unknown option.
    """
    request = read_request(
        feature_columns,
        embedding_dim,
        histories,
        embeddings_initializer=embeddings_initializer,
        embedding_l2=check_l2(feature_columns, embedding_l2),
    )
    interest = attended_interest(
        request, scale, "interest", attention_units, attention_activation, **hidden
    )
    profile = [] if request.profile is None else [request.profile]
    features = [*profile, request.candidate, *with_products(request, [interest], product)]
    return request.inputs, keras.layers.Identity(name="features")(side_by_side(features))
