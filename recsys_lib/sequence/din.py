"""DIN: the candidate decides which of the user's behaviours count.

Every behaviour gets a weight from a small network that sees the behaviour beside the candidate;
the user's interest is the weighted sum. The weights are *not* normalised: ten behaviours that
match the candidate make a longer vector than one. Other scales of the sum are an option.

    w_j = a(e_j, v),    interest(v) = sum_j w_j e_j    over the real steps j

Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 4.3,
equation 3 (the activation unit), sections 5.1 and 5.2 (regularisation and Dice).
Taught in chapter 04, "DIN".
"""

from collections.abc import Sequence
from typing import Any, Unpack

import keras
from keras import KerasTensor, ops

from recsys_lib.checks import check_bool, check_choice, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import MLP, side_by_side
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import (
    Activation,
    RecencyOptions,
    Widths,
    options_for,
    shared_options,
)
from recsys_lib.sequence.behaviours import RecencyEmbedding, Request, read_request
from recsys_lib.sequence.parts import (
    SCALES,
    STEP_SCALES,
    normalized,
    score,
    step_scale,
    weighted_sum,
    weights_of_steps,
)

UNIT_INPUTS = ("difference", "outer")


@keras.saving.register_keras_serializable("recsys_lib")
class ActivationUnit(keras.layers.Layer):
    """The weight of every behaviour for this candidate.

    Call arguments:
        behaviours: ``(batch, steps, width)``.
        candidate: ``(batch, width)``.
        step_mask: ``(batch, steps)``, 1 for real steps.
        context: ``(batch, steps, context width)`` that the unit reads beside each behaviour, or
            None.

    Returns:
        ``(batch, steps)``; exactly 0 at padding.

    Args:
        hidden_units: widths of the unit's network; a linear layer to one number follows.
        activation: of its layers, see ``MLP``.
        inputs: ``"difference"``: candidate, behaviour, candidate - behaviour and candidate o
            behaviour, as in the authors' code; ``"outer"``: behaviour, the outer product of the
            two, and candidate, as in the paper's figure 2.
        scale: ``"raw"``, the paper's; or ``"length"`` or ``"softmax"``, see ``weights_of_steps``.
        dropout_rate, batch_normalization: of its layers, see ``MLP``; normalization counts real
            steps only.

    Raises:
        ValueError: an unknown option.

    Source: Zhou et al. 2018, section 4.3 and figure 2.
    """

    def __init__(
        self,
        hidden_units,
        activation="dice",
        inputs="difference",
        scale="raw",
        dropout_rate=0.0,
        batch_normalization=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.inputs = check_choice("unit_inputs", inputs, UNIT_INPUTS)
        self.scale = check_choice("scale", scale, STEP_SCALES)
        self.network = MLP(
            check_widths("attention_units", hidden_units),
            activation,
            dropout_rate,
            batch_normalization,
            name="network",
        )
        self.to_weight = keras.layers.Dense(1, name="weight")

    def build(self, behaviours_shape, candidate_shape, step_mask_shape, context_shape=None):
        batch, steps, width = behaviours_shape
        features = 4 * width if self.inputs == "difference" else 2 * width + width**2
        features += context_shape[-1] if context_shape else 0
        self.network.build((batch, steps, features))
        self.to_weight.build((batch, steps, self.network.hidden_units[-1]))

    def call(self, behaviours, candidate, step_mask, context=None, training=None):
        steps, width = behaviours.shape[1:]
        repeated = ops.repeat(ops.expand_dims(candidate, 1), steps, axis=1)  # (batch, steps, width)
        if self.inputs == "difference":
            parts = [repeated, behaviours, repeated - behaviours, repeated * behaviours]
        else:
            outer = ops.expand_dims(behaviours, -1) * ops.expand_dims(repeated, -2)
            parts = [behaviours, ops.reshape(outer, (-1, steps, width**2)), repeated]
        if context is not None:
            parts.append(context)
        features = ops.concatenate(parts, axis=-1)
        hidden = self.network(features, step_mask=step_mask, training=training)
        weights = ops.squeeze(self.to_weight(hidden), axis=-1)  # (batch, steps)
        return weights_of_steps(weights, step_mask, self.scale)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_units": list(self.network.hidden_units),
            "activation": self.network.get_config()["activation"],
            "inputs": self.inputs,
            "scale": self.scale,
            "dropout_rate": self.network.dropout_rate,
            "batch_normalization": self.network.batch_normalization,
        }


def attended_interest(
    request: Request,
    scale: str,
    name: str,
    units: Widths,
    activation: Activation,
    weights_name: str = "history_weights",
    **hidden: Any,
) -> KerasTensor:
    """The history as one vector: the sum of its vectors, weighted by DIN's unit.

    Args:
        request: ``Request``.
        scale: see ``build_din``.
        name: of the layer that sums, ``(batch, width)``.
        units, activation: of the unit's network.
        weights_name: of the unit, which holds the weights ``(batch, steps)``.
        **hidden: its ``dropout_rate`` and ``batch_normalization``.

    Returns:
        ``(batch, width)``; before a normalization it is zero where there is no behaviour.

    Raises:
        ValueError: an unknown scale.
    """
    check_choice("scale", scale, SCALES)
    unit = ActivationUnit(
        units,
        activation,
        scale=step_scale(scale),
        **hidden,
        name=weights_name,
    )
    weights = unit(request.behaviours, request.candidate, request.mask)
    interest = weighted_sum(weights, request.behaviours, name=name)
    return normalized(request, interest, scale, name)


@shared_options(activation="dice")
def build_din(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    attention_units: Widths = (32, 16),
    attention_activation: Activation | None = None,
    unit_inputs: str = "difference",
    scale: str = "raw",
    **common: Unpack[RecencyOptions],
) -> keras.Model:
    """DIN: the interest is the sum of the behaviours, each weighted for this candidate.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        attention_units: widths of the activation unit's network.
        attention_activation: of the activation unit; default: ``activation``.
        unit_inputs: see ``ActivationUnit``, its ``inputs``.
        scale: ``"raw"``, the paper's sum; ``"length"``: divided by the number of behaviours;
            ``"softmax"``: weights that sum to 1; ``"batch_normalization"``: the raw sum, normalised
            over the batch before the network, see ``InterestNormalization``.
        **common: see ``TableOptions``, ``NetworkOptions``, ``HistoryOptions`` and
            ``RecencyOptions``. The unit reads the context and, if asked to, the recency, which is
            not in the paper: it leaves the order of the behaviours out ("DIN with position" in the
            lessons). ``activation``, the paper's Dice, ``dropout_rate`` and ``batch_normalization``
            are those of both networks, in the unit over real steps. The paper's mini-batch aware
            regularisation is ``embedding_l2=EmbeddingL2(strength, id_counts=count_ids(dataset))``.
            The authors' code has the product, the paper does not.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``din_weights`` holds the weights ``(batch, steps)``, ``din_interest`` the weighted sum
        ``(batch, width)``, and ``din_interest_normalization``, where there is one, what the network
        reads in its place.

    Raises:
        ValueError: no history, several tasks, an unknown option, or counts of an unknown table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 20, table="movie_id"),
        ... ]
        >>> model = build_din(columns, embedding_dim=8)
        >>> [model.get_layer(name).output.shape for name in ("din_weights", "din_interest")]
        [(None, 20), (None, 8)]
    """
    check_choice("scale", scale, SCALES)
    request = read_request(feature_columns, **options_for(read_request, common))
    context = [] if request.context is None else [request.context]
    if check_bool("recency", common["recency"]):
        context.append(RecencyEmbedding(common["embedding_dim"], name="recency")(request.mask))
    if context:
        context = [side_by_side(context)]
    hidden = {**options_for(ActivationUnit, common), "hidden_units": attention_units}
    if attention_activation is not None:
        hidden["activation"] = attention_activation
    unit = ActivationUnit(**hidden, inputs=unit_inputs, scale=step_scale(scale), name="din_weights")
    step_weights = unit(request.behaviours, request.candidate, request.mask, *context)
    interest = weighted_sum(step_weights, request.behaviours, name="din_interest")
    interest = normalized(request, interest, scale, "din_interest")
    output = score(request, [interest], tasks, common)
    return keras.Model(request.inputs, output, name="din")
