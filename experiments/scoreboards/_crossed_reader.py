"""DIN whose network has DCN-V2's crosses beside it, on all that it reads."""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.higher_order.dcn import MatrixCrossLayer
from recsys_lib.layers.blocks import MLP, side_by_side
from recsys_lib.layers.heads import Tasks, predict_one
from recsys_lib.layers.options import HistoryOptions, Widths, options_for, shared_options
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.din import attended_interest
from recsys_lib.sequence.parts import with_products


@shared_options()
def din_with_crosses(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    attention_units: Widths = (32, 16),
    num_cross_layers: int = 3,
    **common: Unpack[HistoryOptions],
) -> keras.Model:
    """Build it: crosses and network read profile, candidate and interest side by side.

    Args:
        feature_columns: as for ``build_din``.
        tasks: the task.
        attention_units: as for ``build_din``.
        num_cross_layers: as for ``build_dcn_v2``.
        **common: as for ``build_din``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    request = read_request(feature_columns, **options_for(read_request, common))
    interest = attended_interest(request, "raw", "interest", attention_units, common["activation"])
    parts = [] if request.profile is None else [request.profile]
    parts += [request.candidate, *with_products(request, [interest], common["product"])]
    first = keras.layers.Identity(name="cross_input")(side_by_side(parts))
    current = first
    for depth in range(1, num_cross_layers + 1):
        current = MatrixCrossLayer(name=f"cross_{depth}")(first, current)
    deep = MLP(**options_for(MLP, common), name="deep")(first)
    logit = keras.layers.Dense(1, use_bias=False, name="logit")(side_by_side([current, deep]))
    return keras.Model(request.inputs, predict_one(tasks, logit), name="din_with_crosses")
