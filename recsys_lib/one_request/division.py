"""What models of histories do once for a request, in place of once for each candidate.

A row is scored by the formula on its model's page. Of the rows of one request all have the same
history, and some formulas can be taken apart: what they make of the history alone is made once, and
each candidate adds its own part. The scores are those of the rows; only the order of the sums, and
so the last digits, may differ.

``recsys_lib.training.request_walk`` finds a layer's function here by the name under which Keras
saves the layer. So the models' files know nothing of requests, and a subclass, which may have
another ``call``, is called as it is. Each function takes

- the layer;
- ``is_single``, a function that says whether a tensor holds the request's one row;
- the inputs of the layer's ``call``, in inference,

and returns what ``call`` would return with the request's rows repeated, or ``NotImplemented`` where
the inputs do not divide, for example where a history stands beside each candidate.
"""

import keras
import tensorflow as tf
from keras import ops

from recsys_lib.sequence.parts import weights_of_steps


def _activation_unit(unit, is_single, behaviours, candidate, step_mask, context=None):
    """DIN's weights of one history for many candidates, ``(candidates, steps)``.

    The first layer is linear in what the unit reads, and the history is the same in all rows:

        W [v, e, v - e, v o e] + b = ((W_1 + W_3) v + b) + (W_2 - W_3 + W_4 diag(v)) e

    So there is one matrix for each candidate, linear in ``[v, 1]``, and one product of all of them
    with the request's real steps, where ``call`` puts four vectors side by side for each pair of
    candidate and step, padding too. A context is one more part of ``e``. The unit that reads the
    outer product does not divide.
    """
    of_steps = [behaviours, *([] if context is None else [context])]
    if unit.inputs == "outer" or is_single(candidate):
        return NotImplemented
    if not all(map(is_single, [step_mask, *of_steps])):
        return NotImplemented
    num_candidates = ops.shape(candidate)[0]
    real = tf.where(step_mask[0] > 0)  # (real steps, 1), their positions
    history = tf.gather_nd(ops.concatenate([part[0] for part in of_steps], axis=-1), real)
    history, candidate = (
        tf.pad(vectors, [[0, 0], [0, 1]], constant_values=1) for vectors in (history, candidate)
    )

    def pairs(maps):
        """Maps ``(features, width + 1, units)`` to ``(real steps, candidates, units)``."""
        matrices = ops.matmul(candidate, maps)  # (features, candidates, units)
        found = ops.matmul(history, ops.reshape(matrices, (history.shape[-1], -1)))
        return ops.reshape(found, (ops.shape(real)[0], num_candidates, maps.shape[-1]))

    first, activation, *others = list(unit.network.stack)
    others.append(unit.to_weight)
    maps = _maps_of_candidates(first, behaviours.shape[-1])
    hidden, others = _first_layers(pairs, maps, activation, others)
    for layer in others:
        hidden = layer(hidden)
    shape = tf.stack([step_mask.shape[1], num_candidates])
    weights = tf.scatter_nd(real, ops.squeeze(hidden, -1), tf.cast(shape, real.dtype))
    return weights_of_steps(ops.transpose(weights), step_mask, unit.scale)


def _maps_of_candidates(first, width):
    """What makes of ``[v, 1]`` the matrix of ``[e, context, 1]``.

    Returns:
        ``(features, width + 1, units)``: row i of a candidate's matrix is ``[v, 1] maps[i]``.
    """
    kernel = ops.convert_to_tensor(first.kernel)
    on_v, on_e, on_difference, on_product = ops.split(kernel[: 4 * width], 4)
    on_context = kernel[4 * width :]
    diagonal = ops.expand_dims(ops.eye(width), -1) * ops.expand_dims(on_product, 1)
    none = ops.zeros((on_context.shape[0], width, kernel.shape[-1]))
    of_v = ops.concatenate([diagonal, none, (on_v + on_difference)[None]], axis=0)
    of_one = ops.concatenate([on_e - on_difference, on_context, first.bias[None]], axis=0)
    return ops.concatenate([of_v, ops.expand_dims(of_one, 1)], axis=1)


def _first_layers(pairs, maps, activation, others):
    """The first layers of all pairs, and the layers that are left."""
    hidden = pairs(maps)
    is_dice = hasattr(activation, "scale_and_shift")
    if not is_dice or not isinstance(others[0], keras.layers.Dense):
        return hidden, [activation, *others]
    # With s = tanh((r x + t) / 2), Dice(x) = x (1 + alpha) / 2 + x s (1 - alpha) / 2. Here r and t
    # go into the maps, and the factors of alpha into the next layer's: of six passes over all pairs
    # two are left.
    scale, shift = activation.scale_and_shift()
    shifts = tf.pad(shift[None, None], [[size - 1, 0] for size in maps.shape[:2]] + [[0, 0]])
    slope = ops.tanh(pairs((maps * scale + shifts) / 2))
    following, *others = others
    alpha = ops.expand_dims(activation.alpha, -1)
    linear = pairs(ops.matmul(maps, (1 + alpha) / 2 * following.kernel))
    bent = ops.matmul(hidden * slope, (1 - alpha) / 2 * following.kernel)
    return bent + linear + following.bias, others


def _bilinear_attention(layer, is_single, states, candidate, step_mask):
    """The shares of one request's states for many candidates, in one product."""
    if is_single(candidate) or not is_single(states) or not is_single(step_mask):
        return NotImplemented
    turned = ops.matmul(candidate, ops.transpose(layer.kernel))
    scores = ops.matmul(turned, ops.transpose(states[0]))
    return weights_of_steps(scores, step_mask, layer.scale)


def _target_scores(layer, is_single, behaviours, candidate, context=None):
    """The scores of one history for many candidates, in one product."""
    if not is_single(behaviours) or is_single(candidate):
        return NotImplemented
    if context is not None and not is_single(context):
        return NotImplemented
    steps, width = behaviours.shape[1:]
    asked = ops.reshape(layer.asked(candidate), (-1, width))
    scores = ops.matmul(asked, ops.transpose(behaviours[0]))
    scores = ops.transpose(ops.reshape(scores, (-1, layer.num_heads, steps)), (0, 2, 1))
    return scores if context is None else scores + ops.matmul(context, layer.context)


def _hamming_scores(layer, is_single, codes, candidate):
    """The scores of one history for many candidates, in one product."""
    if not is_single(codes) or is_single(candidate):
        return NotImplemented
    return (ops.matmul(candidate, ops.transpose(codes[0])) - codes.shape[-1]) / 2


def _in_passing(layer, is_single, *inputs):
    """One history or mask beside many candidates: broadcasting repeats it."""
    return layer.call(*inputs)


def _found_steps(layer, is_single, vectors, positions):
    """Vectors of one history for many candidates: the history is never repeated."""
    if not is_single(vectors) or is_single(positions):
        return NotImplemented
    found = tf.gather(vectors[0], ops.maximum(positions, 0))
    return ops.where(ops.expand_dims(positions >= 0, -1), found, 0)


def _signature_sums(layer, is_single, behaviours, signatures, step_mask, candidate):
    """The sums of all signatures of one history, once; each candidate reads its own."""
    if not all(map(is_single, (behaviours, signatures, step_mask))) or is_single(candidate):
        return NotImplemented
    rounds, sums = signatures.shape[-1], 2**layer.signature_bits
    member = tf.one_hot(signatures[0], sums, dtype=behaviours.dtype)  # (steps, rounds, sums)
    member *= ops.cast(step_mask[0], behaviours.dtype)[:, None, None]
    table = ops.einsum("trs,tw->rsw", member, behaviours[0])
    table = ops.reshape(table, (rounds * sums, -1))
    candidate = candidate + sums * ops.arange(rounds, dtype="int32")
    return layer.mean_of_rounds(tf.gather(table, candidate))


DIVISIONS = {
    "recsys_lib>ActivationUnit": _activation_unit,
    "recsys_lib>BilinearAttention": _bilinear_attention,
    "recsys_lib>CategoryMatch": _in_passing,
    "recsys_lib>FoundSteps": _found_steps,
    "recsys_lib>HammingScores": _hamming_scores,
    "recsys_lib>SignatureSums": _signature_sums,
    "recsys_lib>TargetScores": _target_scores,
    "recsys_lib>TopSteps": _in_passing,
}
"""Each layer's function, by the layer's registered name."""
