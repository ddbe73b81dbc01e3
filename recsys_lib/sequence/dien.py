"""DIEN: an interest behind the behaviours that moves, and the part of its path that matters here.

A GRU turns behaviours into interest states; an auxiliary loss asks each state for the next
behaviour. The candidate then picks which of these states may move a second recurrence, whose last
state is the interest:

    h_t = GRU(e_t),    a_t = softmax_t(h_t W v),    h'_t = AUGRU(h_t, a_t)
    interest = h'_T,    loss = loss of the click + alpha L_aux
    L_aux = -1/N sum_rows sum_t [log s(h_t, e_(t+1)) + log(1 - s(h_t, e^_(t+1)))]

e^ is the vector of an item drawn at random, never the next behaviour itself and never padding.

Source: Zhou et al. 2019, "Deep Interest Evolution Network for Click-Through Rate Prediction",
sections 4.2 (equations 2 to 7) and 4.3 (equations 8 to 12).
Taught in chapter 04, "DIEN".
"""

from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf
from keras import ops

from recsys_lib.checks import check_choice, check_integer, check_number, check_widths
from recsys_lib.features.columns import Column
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import Tasks
from recsys_lib.layers.options import Configured, HistoryOptions, options_for, shared_options
from recsys_lib.replicas import sum_over_replicas
from recsys_lib.sequence.behaviours import read_request
from recsys_lib.sequence.parts import BilinearAttention, score
from recsys_lib.sequence.recurrence import AttentionalGRU, gru_states, last_state

DISCRIMINATORS = ("inner_product", "network")
AVERAGES = ("steps", "rows")


@keras.saving.register_keras_serializable("recsys_lib")
class NegativeSampler(Configured):
    """For every behaviour another id, drawn evenly from all others, anew in every training step.

    Call arguments:
        ids: ``(batch, steps)``, 0 at padding.

    Returns:
        ``(batch, steps)`` int32: at real steps an id from 1 to ``vocabulary_size - 1`` that is not
        the step's own; 0 at padding. In inference 0 everywhere: nothing reads it there.

    Args:
        vocabulary_size: number of ids, the reserved 0 included; at least 3.

    Raises:
        ValueError: a vocabulary that leaves no other id.
    """

    def __init__(self, vocabulary_size, **kwargs):
        super().__init__(**kwargs)
        # Padding, the step's own id and another one.
        self.vocabulary_size = check_integer("vocabulary_size", vocabulary_size, 3)
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, ids, training=None):
        ids = ops.cast(ids, "int32")
        if not training:
            return ops.zeros_like(ids)
        # One id fewer than there are, and a step over the positive: all others are equally likely.
        drawn = keras.random.randint(
            ops.shape(ids), 1, self.vocabulary_size - 1, dtype="int32", seed=self.seed_generator
        )
        drawn = drawn + ops.cast(drawn >= ids, "int32")
        return ops.where(ids > 0, drawn, 0)


@keras.saving.register_keras_serializable("recsys_lib")
class AuxiliaryLoss(Configured):
    """Adds the auxiliary loss in training; passes the states on unchanged.

    Call arguments:
        states: ``(batch, steps, units)``, h_t.
        behaviours: ``(batch, steps, width)``, e_t.
        negatives: ``(batch, steps, width)``, a vector of another item for each step.
        step_mask: ``(batch, steps)``, 1 for real steps, which come first.

    Returns:
        ``states``.

    Args:
        weight: alpha, the factor before the loss.
        discriminator: ``"inner_product"``: s = sigmoid(h . e), which needs states of the
            behaviours' width; ``"network"``: a network over [h, e], as in the authors' code.
        hidden_units: of that network.
        average: what the sum is divided by: ``"steps"``, the number of real transitions, or
            ``"rows"``, as in the paper, where a long history weighs more than a short one.

    Raises:
        ValueError: an unknown option, a weight below 0, or an inner product of two widths.
    """

    def __init__(
        self,
        weight=1.0,
        discriminator="inner_product",
        hidden_units=(32,),
        average="steps",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.weight = check_number("auxiliary_weight", weight, 0)
        self.discriminator = check_choice("discriminator", discriminator, DISCRIMINATORS)
        self.average = check_choice("auxiliary_average", average, AVERAGES)
        self.hidden_units = check_widths(f"{self.name}, hidden_units", hidden_units)
        if discriminator == "network":
            self.network = MLP(self.hidden_units, activation="sigmoid", name="network")
            self.to_logit = keras.layers.Dense(1, name="logit")

    def build(self, states_shape, behaviours_shape, negatives_shape, step_mask_shape):
        units, width = states_shape[-1], behaviours_shape[-1]
        if self.discriminator == "network":
            self.network.build((*states_shape[:-1], units + width))
            self.to_logit.build((*states_shape[:-1], self.hidden_units[-1]))
        elif units != width:
            raise ValueError(
                f"auxiliary loss: an inner product needs states of the behaviours' width, expected "
                f"{width}, got {units}"
            )

    def call(self, states, behaviours, negatives, step_mask, training=None):
        if training and states.shape[1] > 1:
            self.add_loss(self.weight * self.loss(states, behaviours, negatives, step_mask))
        return states

    def loss(self, states, behaviours, negatives, step_mask):
        """The loss without its factor; 0 where no row has two behaviours."""
        # A sum over all steps of a batch is beyond half precision.
        precision = keras.backend.result_type(states.dtype, "float32")
        before = states[:, :-1]
        following = step_mask[:, 1:]  # a real step has a real one before it
        following = ops.cast(following, precision)
        of_next = self._logit(before, behaviours[:, 1:])  # (batch, steps - 1)
        of_next = ops.cast(of_next, precision)
        of_other = ops.cast(self._logit(before, negatives[:, 1:]), precision)
        # -log s(x) = softplus(-x) and -log(1 - s(x)) = softplus(x), which do not overflow.
        total = ops.sum(following * (ops.softplus(-of_next) + ops.softplus(of_other)))
        if self.average == "rows":
            return total / sum_over_replicas(tf.cast(ops.shape(states)[0], total.dtype))
        return total / ops.maximum(sum_over_replicas(ops.sum(following)), 1.0)

    def _logit(self, states, vectors):
        if self.discriminator == "inner_product":
            return ops.sum(states * vectors, axis=-1)
        hidden = self.network(ops.concatenate([states, vectors], axis=-1))
        return ops.squeeze(self.to_logit(hidden), axis=-1)


@shared_options(activation="dice")
def build_dien(
    feature_columns: Sequence[Column],
    tasks: Tasks = "click",
    *,
    evolution: str = "augru",
    auxiliary_weight: float = 1.0,
    discriminator: str = "inner_product",
    auxiliary_average: str = "steps",
    **common: Unpack[HistoryOptions],
) -> keras.Model:
    """DIEN: the interest is the last state of a recurrence that the candidate steers.

    Args:
        feature_columns: columns with at least one behaviour history, see ``behaviour_pairs``.
        tasks: the task, see ``recsys_lib.layers.heads``.
        evolution: ``"augru"``, the paper's; ``"agru"`` or ``"aigru"``, see
            ``AttentionalGRUCell``.
        auxiliary_weight: alpha, 0 or more; 0 leaves the auxiliary loss out.
        discriminator, auxiliary_average: see ``AuxiliaryLoss``.
        **common: see ``TableOptions``, ``NetworkOptions`` and ``HistoryOptions``. The states are as
            wide as a behaviour. With several histories each is given negatives of its own table; no
            penalty counts the rows that are drawn. Dice is the authors' code's activation; a
            product is not in the paper.

    Returns:
        ``keras.Model`` from the columns' inputs to a probability ``(batch,)``. Layer
        ``interest_states`` holds the GRU's states ``(batch, steps, width)``, ``dien_attention``
        the attention ``(batch, steps)``, ``evolved_states`` the second recurrence's states and
        ``dien_interest`` the last one ``(batch, width)``.

    Raises:
        ValueError: no history, several tasks, an unknown option, or counts of an unknown table.

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 20, table="movie_id"),
        ... ]
        >>> model = build_dien(columns, embedding_dim=8)
        >>> [model.get_layer(name).output.shape for name in ("evolved_states", "dien_interest")]
        [(None, 20, 8), (None, 8)]
    """
    auxiliary_weight = check_number("auxiliary_weight", auxiliary_weight, 0)
    request = read_request(feature_columns, **options_for(read_request, common))
    width = request.behaviours.shape[-1]
    states = gru_states(request.behaviours, request.mask, width, name="interest_states")
    if auxiliary_weight:
        negatives = request.embed(
            [
                NegativeSampler(column.vocabulary_size, name=f"{column.name}_negatives")(
                    request.inputs[column.name]
                )
                for column in request.histories
            ]
        )
        auxiliary = AuxiliaryLoss(
            auxiliary_weight, discriminator, average=auxiliary_average, name="auxiliary_loss"
        )
        states = auxiliary(states, request.behaviours, negatives, request.mask)
    attention = BilinearAttention(name="dien_attention")(states, request.candidate, request.mask)
    evolved = AttentionalGRU(width, evolution, name="evolved_states")(
        states, attention, request.mask
    )
    interest = last_state(evolved, request.mask, name="dien_interest")
    output = score(request, [interest], tasks, common)
    return keras.Model(request.inputs, output, name="dien")
