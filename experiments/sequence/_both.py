"""DIN whose network also reads the mean of the history: a model that need not choose."""

from collections.abc import Sequence
from typing import Unpack

import keras

from recsys_lib.features.columns import Column
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import HistoryOptions, Widths, options_for, shared_options
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.din import attended_interest
from recsys_lib.sequence.parts import score
from recsys_lib.sequence.pooling import pooled_interest


@shared_options(activation="dice")
def din_and_mean(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    attention_units: Widths = (32, 16),
    scale: str = "raw",
    **common: Unpack[HistoryOptions],
) -> keras.Model:
    """DIN with a second interest, the mean of all behaviours.

    Args:
        feature_columns: columns with at least one behaviour history.
        tasks: the task.
        attention_units, scale: see ``build_din``; the mean has no scale.
        **common: see ``HistoryOptions``.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``.
    """
    request = read_request(feature_columns, **options_for(read_request, common))
    interests = [
        attended_interest(request, scale, "interest", attention_units, common["activation"]),
        pooled_interest(request, "length", "pooled_history"),
    ]
    output = score(request, interests, tasks, common)
    return keras.Model(request.inputs, output, name="din_and_mean")
