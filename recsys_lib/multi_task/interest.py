"""The inputs of a multi-task model with ``interest="attention"``: a history by DIN's unit.

    x = [profile, candidate, interest],    interest = sum_j a(e_j, v) e_j    over the real steps j

Experts, gates and towers then read x.

Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 4.3,
equation 3. See ``recsys_lib.sequence.din``.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor

from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.options import options_for
from recsys_lib.multi_task.parts import TaskOptions
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.din import attended_interest
from recsys_lib.sequence.parts import with_products


def attended_input(
    feature_columns: Sequence[Column],
    common: TaskOptions,
    inputs: dict[str, KerasTensor] | None = None,
    suffix: str = "",
) -> tuple[dict[str, KerasTensor], KerasTensor]:
    """``task_input`` where DIN's unit reads the history: see there."""
    options = options_for(read_request, common)
    request = read_request(feature_columns, **options, inputs=inputs, suffix=suffix)
    attended = attended_interest(
        request,
        common["scale"],
        f"interest{suffix}",
        common["attention_units"],
        common["attention_activation"],
        dropout_rate=common["dropout_rate"],
        batch_normalization=common["batch_normalization"],
        weights_name=f"history_weights{suffix}",
    )
    profile = [] if request.profile is None else [request.profile]
    interests = with_products(request, [attended], common["product"])
    features = side_by_side([*profile, request.candidate, *interests])
    return request.inputs, keras.layers.Identity(name=f"features{suffix}")(features)
