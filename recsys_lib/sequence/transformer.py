"""Self-attention among the steps of a sequence, and the block around it."""

import keras
from keras import ops

from recsys_lib.checks import check_choice, check_integer
from recsys_lib.layers.blocks import (
    MLP,
    activation_config,
    check_dropout,
    glorot_of_one,
    products_by_reader,
    read_activation,
)
from recsys_lib.layers.options import Configured
from recsys_lib.sequence.parts import masked_softmax

HEAD_INPUTS = ("whole", "slice")


@keras.saving.register_keras_serializable("recsys_lib")
class SelfAttention(Configured):
    """Every step looks at all real steps of its own sequence, in several heads.

        head = softmax(X W_Q (X W_K)^T / sqrt(width)) X W_V,    output = [head_1, head_2, ...] W_O

    The scale is that of the whole width, as in both papers; Keras's own layer takes the head's.

    Call arguments:
        sequence: ``(..., steps, width)``.
        step_mask: ``(..., steps)``, 1 for the steps that may be looked at.

    Returns:
        ``(..., steps, width)``. Steps of a sequence without a real step look at nothing: zeros.

    Args:
        num_heads: number of heads.
        head_dim: width of a head; default: the width divided by the number of heads.
        head_inputs: ``"whole"``: each head projects whole vectors; ``"slice"``: head h projects
            the h-th of ``num_heads`` parts of them, ``X_h W_Qh`` in place of ``X W_Qh``, as DSIN's
            paper has it. That paper writes ``W_Q`` without a head, and so does BST's, where one for
            all heads would make them alike: here each has its own.

    Raises:
        ValueError: no head, a width that the heads do not divide, or an unknown kind of inputs.

    Sources: Feng et al. 2019, "Deep Session Interest Network", equations 4 and 5; Chen et al.
    2019, "Behavior Sequence Transformer", equations 2 and 3.
    """

    def __init__(self, num_heads=2, head_dim=None, head_inputs="whole", **kwargs):
        super().__init__(**kwargs)
        self.num_heads = check_integer("num_heads", num_heads)
        self.head_dim = None if head_dim is None else check_integer("head_dim", head_dim)
        self.head_inputs = check_choice("head_inputs", head_inputs, HEAD_INPUTS)

    def build(self, sequence_shape, step_mask_shape):
        width = sequence_shape[-1]
        is_divided = self.head_dim is None or self.head_inputs == "slice"
        if is_divided and width % self.num_heads:
            raise ValueError(
                f"num_heads: expected a divisor of the width {width}, got {self.num_heads}"
            )
        self.size = self.head_dim or width // self.num_heads
        inner = self.num_heads * self.size
        shape, start = (width, inner), None
        if self.head_inputs == "slice":
            shape = (self.num_heads, width // self.num_heads, self.size)
            start = glorot_of_one(*shape[1:])
        self.query, self.key, self.value = (
            self.add_weight(name=name, shape=shape, initializer=start)
            for name in ("query", "key", "value")
        )
        self.output_kernel = self.add_weight(name="output", shape=(inner, width))

    def call(self, sequence, step_mask):
        steps, width = sequence.shape[-2:]
        flat = ops.reshape(sequence, (-1, width))
        mask = ops.reshape(step_mask, (-1, 1, 1, steps))  # over keys, for every head and query

        def heads(kernel):
            if self.head_inputs == "slice":
                projected = products_by_reader(flat, kernel, (1,) * self.num_heads)
            else:
                projected = ops.matmul(flat, kernel)
            split = ops.reshape(projected, (-1, steps, self.num_heads, self.size))
            return ops.transpose(split, (0, 2, 1, 3))  # (sequences, heads, steps, size)

        scores = ops.matmul(heads(self.query), ops.transpose(heads(self.key), (0, 1, 3, 2)))
        weights = masked_softmax(scores / width**0.5, mask)
        seen = ops.transpose(ops.matmul(weights, heads(self.value)), (0, 2, 1, 3))
        seen = ops.reshape(seen, (-1, self.num_heads * self.size))
        return ops.reshape(ops.matmul(seen, self.output_kernel), ops.shape(sequence))

    def compute_output_shape(self, sequence_shape, step_mask_shape):
        return sequence_shape


@keras.saving.register_keras_serializable("recsys_lib")
class TransformerBlock(keras.layers.Layer):
    """Self-attention and a network for each step, each added to its input and normalised.

        S = norm(X + attention(X)),    output = norm(S + W_2 f(W_1 S + b_1) + b_2)

    Call arguments:
        sequence: ``(..., steps, width)``.
        step_mask: ``(..., steps)``, 1 for real steps.

    Returns:
        ``(..., steps, width)``; what stands at padding is not zero and must be masked by whoever
        pools it.

    Args:
        num_heads, head_dim, head_inputs: see ``SelfAttention``.
        feed_forward_units: width of the step's network; default: that of the sequence.
        activation: f, see ``MLP``.
        dropout_rate: dropout of both branches, in training only.

    Raises:
        ValueError: as ``SelfAttention``, a width below 1, or a rate out of range.
    """

    def __init__(
        self,
        num_heads=2,
        head_dim=None,
        feed_forward_units=None,
        activation="relu",
        dropout_rate=0.0,
        head_inputs="whole",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.attention = SelfAttention(num_heads, head_dim, head_inputs, name="attention")
        if feed_forward_units is not None:
            feed_forward_units = check_integer("feed_forward_units", feed_forward_units)
        self.feed_forward_units = feed_forward_units
        self.activation = read_activation(activation)
        self.dropout_rate = dropout_rate = check_dropout("dropout_rate", dropout_rate)
        self.first_dropout = keras.layers.Dropout(dropout_rate, name="first_dropout")
        self.second_dropout = keras.layers.Dropout(dropout_rate, name="second_dropout")
        self.first_norm = keras.layers.LayerNormalization(epsilon=1e-6, name="first_norm")
        self.second_norm = keras.layers.LayerNormalization(epsilon=1e-6, name="second_norm")

    def build(self, sequence_shape, step_mask_shape):
        width = sequence_shape[-1]
        units = self.feed_forward_units or width
        self.expand = MLP((units,), self.activation, name="expand")
        self.contract = keras.layers.Dense(width, name="contract")
        self.attention.build(sequence_shape, step_mask_shape)
        self.expand.build(sequence_shape)
        self.contract.build((*sequence_shape[:-1], units))
        for norm in (self.first_norm, self.second_norm):
            norm.build(sequence_shape)

    def call(self, sequence, step_mask, training=None):
        seen = self.first_dropout(self.attention(sequence, step_mask), training=training)
        mixed = self.first_norm(sequence + seen)
        hidden = self.expand(mixed, step_mask=step_mask, training=training)
        changed = self.contract(hidden)
        return self.second_norm(mixed + self.second_dropout(changed, training=training))

    def compute_output_shape(self, sequence_shape, step_mask_shape):
        return sequence_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.attention.num_heads,
            "head_dim": self.attention.head_dim,
            "head_inputs": self.attention.head_inputs,
            "feed_forward_units": self.feed_forward_units,
            "activation": activation_config(self.activation),
            "dropout_rate": self.dropout_rate,
        }
