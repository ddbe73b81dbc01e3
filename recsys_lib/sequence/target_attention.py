"""Target attention in several heads: the candidate asks, the behaviours answer.

    score_h(j) = (e_j W_K^h) . (v W_Q^h) / sqrt(d),    a^h = softmax_j score_h(j)

The product of the two maps is taken with the candidate first, ``W_K^h (W_Q^h)^T v``: one vector a
head for each candidate, and one inner product of it with each behaviour. So the scores of
thousands of steps cost no projection of each step.

Both maps begin as one orthogonal map, so over all heads the first scores are an inner product of
what the vectors say,

    sum_h score_h(j) = e_j . v / sqrt(d)

and the behaviours most like the candidate score highest. A search that begins with two maps drawn
apart finds for each candidate behaviours of some arbitrary kind; nothing that it leaves out can
teach it better, since no derivative goes through the choice, and it stays there.
"""

import keras
from keras import KerasTensor, ops

from recsys_lib.checks import check_bool, check_integer
from recsys_lib.layers.options import Configured
from recsys_lib.sequence.parts import masked_softmax


class _LikeQuery(keras.initializers.Initializer):
    """The first key map: the query's, and a map of its own for what behaviours hold beyond it.

    It draws the query's values from their seed. It must not read the query's variable, which
    training changes: whoever starts the model anew would begin with what was learned before.

    Args:
        query_shape: of the query's map.
        seed: of the query's initializer, ``Orthogonal``.
    """

    def __init__(self, query_shape, seed):
        self.query_shape, self.seed = query_shape, seed

    def __call__(self, shape, dtype=None):
        query = keras.initializers.Orthogonal(seed=self.seed)(self.query_shape, dtype)[: shape[0]]
        own = keras.initializers.GlorotUniform(seed=self.seed)(shape, dtype)
        return ops.concatenate([query, own[query.shape[0] :]])


@keras.saving.register_keras_serializable("recsys_lib")
class TargetScores(Configured):
    """The score of every behaviour for this candidate in every head, before the softmax.

    Call arguments:
        behaviours: ``(batch, steps, width)``.
        candidate: ``(batch, candidate width)``.
        context: ``(batch, steps, context width)`` that adds a bias to each score, linear in it, or
            None.

    Returns:
        ``(batch, steps, heads)``; what stands at padding means nothing.

    Args:
        num_heads: number of heads. Their maps begin as parts of one, all different.
        head_dim: width d of a head's vectors; default: the candidate's width divided by the number
            of heads, rounded up.
        scaled: whether scores are divided by sqrt(d).

    Raises:
        ValueError: no head, or a width below 1.

    Sources: Chang et al. 2023, "TWIN", section 4; Pi et al. 2020, "Search-based User Interest
    Modeling", section 3.3, whose scores are not scaled. That both maps begin alike is our choice;
    the papers do not say how theirs begin.
    """

    def __init__(self, num_heads=2, head_dim=None, scaled=True, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = check_integer("num_heads", num_heads)
        self.head_dim = None if head_dim is None else check_integer("head_dim", head_dim)
        self.scaled = check_bool("scaled", scaled)

    def build(self, behaviours_shape, candidate_shape, context_shape=None):
        self.size = self.head_dim or -(-candidate_shape[-1] // self.num_heads)
        inner = self.num_heads * self.size
        shape = (candidate_shape[-1], inner)
        start = keras.initializers.Orthogonal()
        self.query = self.add_weight(name="query", shape=shape, initializer=start)
        self.key = self.add_weight(
            name="key",
            shape=(behaviours_shape[-1], inner),
            initializer=_LikeQuery(shape, start.seed),
        )
        if context_shape is not None:
            self.context = self.add_weight(
                name="context", shape=(context_shape[-1], self.num_heads)
            )

    def call(self, behaviours, candidate, context=None):
        scores = ops.einsum("btw,bhw->bth", behaviours, self.asked(candidate))
        return scores if context is None else scores + ops.matmul(context, self.context)

    def asked(self, candidate):
        """Project the candidate to one query a head: ``(batch, heads, width)``."""
        heads = (-1, self.num_heads, self.size)
        query = ops.reshape(ops.matmul(candidate, self.query), heads)
        asked = ops.einsum("bhs,whs->bhw", query, ops.reshape(self.key, heads))
        return asked / self.size**0.5 if self.scaled else asked

    def compute_output_shape(self, behaviours_shape, candidate_shape, context_shape=None):
        return (*behaviours_shape[:2], self.num_heads)


@keras.saving.register_keras_serializable("recsys_lib")
class FoundWeights(keras.layers.Layer):
    """Softmax of each head over the steps that the search found.

    Call arguments:
        scores: ``(batch, k, heads)``.
        positions: ``(batch, k)``, -1 for none.

    Returns:
        ``(batch, k, heads)``: each head's weights sum to 1, and are 0 where nothing was found.
    """

    def call(self, scores, positions):
        found = ops.expand_dims(ops.cast(positions >= 0, scores.dtype), -1)
        return masked_softmax(scores, found, axis=1)

    def compute_output_shape(self, scores_shape, positions_shape):
        return scores_shape


@keras.saving.register_keras_serializable("recsys_lib")
class HeadValues(Configured):
    """Concatenate the heads' outputs, each through its own map, and mix them.

        output = [sum_j a^1_j e_j W_V^1, sum_j a^2_j e_j W_V^2, ...] W_O

    Call arguments:
        weights: ``(batch, k, heads)``.
        behaviours: ``(batch, k, width)``.

    Returns:
        ``(batch, units)``.

    Args:
        units: width of the output.
        head_dim: width of a head's values; default: ``units`` divided by the number of heads,
            rounded up.
    """

    def __init__(self, units, head_dim=None, **kwargs):
        super().__init__(**kwargs)
        self.units = check_integer("units", units)
        self.head_dim = None if head_dim is None else check_integer("head_dim", head_dim)

    def build(self, weights_shape, behaviours_shape):
        self.num_heads = weights_shape[-1]
        self.size = self.head_dim or -(-self.units // self.num_heads)
        inner = self.num_heads * self.size
        self.value = self.add_weight(name="value", shape=(behaviours_shape[-1], inner))
        self.output_kernel = self.add_weight(name="output", shape=(inner, self.units))

    def call(self, weights, behaviours):
        seen = ops.einsum("bkh,bkw->bhw", weights, behaviours)
        value = ops.reshape(self.value, (-1, self.num_heads, self.size))
        values = ops.einsum("bhw,whs->bhs", seen, value)
        flat = ops.reshape(values, (-1, self.num_heads * self.size))
        return ops.matmul(flat, self.output_kernel)

    def compute_output_shape(self, weights_shape, behaviours_shape):
        return (weights_shape[0], self.units)


@keras.saving.register_keras_serializable("recsys_lib")
class HeadSums(keras.layers.Layer):
    """The weighted sum of each head, side by side: ``[sum_j a^1_j z_j, sum_j a^2_j z_j, ...]``.

    Call arguments:
        weights: ``(batch, k, heads)``.
        behaviours: ``(batch, k, width)``, z.

    Returns:
        ``(batch, heads * width)``.
    """

    def call(self, weights, behaviours):
        seen = ops.einsum("bkh,bkw->bhw", weights, behaviours)
        return ops.reshape(seen, (-1, weights.shape[-1] * behaviours.shape[-1]))

    def compute_output_shape(self, weights_shape, behaviours_shape):
        return (weights_shape[0], weights_shape[-1] * behaviours_shape[-1])


def attend(
    name: str, behaviours: KerasTensor, candidate: KerasTensor, positions: KerasTensor, **options
) -> KerasTensor:
    """The weights of the steps that a search found, from a layer of scores of their own.

    Args:
        name: of the model, the beginning of the layers' names.
        behaviours: ``(batch, k, width)``.
        candidate: ``(batch, candidate width)``.
        positions: ``(batch, k)``.
        **options: of ``TargetScores``.

    Returns:
        ``(batch, k, heads)``, the output of the layer ``<name>_weights``.
    """
    scores = TargetScores(**options, name=f"{name}_close_scores")(behaviours, candidate)
    return FoundWeights(name=f"{name}_weights")(scores, positions)
