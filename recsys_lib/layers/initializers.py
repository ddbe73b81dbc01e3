"""Initial weights that Keras's own initializers get wrong."""

import math

import keras


def glorot_of_one(fan_in, fan_out):
    """Glorot's uniform start of one matrix, for a weight that holds a stack of them.

    Keras would take the stack for a convolution's window and start all of them too small.

    Args:
        fan_in, fan_out: inputs and outputs of one of the matrices.

    Returns:
        Keras initializer for the stack.
    """
    limit = math.sqrt(6 / (fan_in + fan_out))
    return keras.initializers.RandomUniform(-limit, limit)
