"""The Gate Neural Unit: a network whose outputs scale the units of another one.

Source: Chang et al. 2023, "PEPNet", the section on the Gate Neural Unit.
"""

import keras
from keras import ops

from recsys_lib.checks import check_integer, check_number
from recsys_lib.layers.options import Configured


@keras.saving.register_keras_serializable("recsys_lib")
class GateNU(Configured):
    """``gamma sigmoid(W' ReLU(W x + b) + b')``: a factor from 0 to ``gamma`` for each unit.

    Call arguments:
        inputs: ``(batch, features)``.

    Returns:
        ``(batch, units)``, or ``(batch, num_tasks, units)``: the tasks share the hidden layer.

    Args:
        units: numbers to be scaled.
        hidden_units: width of the hidden layer.
        num_tasks: tasks that get a gate of their own, or None for one gate without that axis.
        gamma: the largest factor.

    Raises:
        ValueError: a width below 1, or a gamma that is not positive.
    """

    def __init__(self, units, hidden_units=32, num_tasks=None, gamma=2.0, **kwargs):
        super().__init__(**kwargs)
        self.units = check_integer(f"{self.name}, units", units)
        self.hidden_units = check_integer(f"{self.name}, hidden_units", hidden_units)
        if num_tasks is not None:
            num_tasks = check_integer(f"{self.name}, num_tasks", num_tasks)
        self.num_tasks = num_tasks
        self.gamma = check_number(f"{self.name}, gamma", gamma, 0, exclude=(0,))
        self.hidden = keras.layers.Dense(self.hidden_units, "relu", name="hidden")
        self.factors = keras.layers.Dense((num_tasks or 1) * self.units, "sigmoid", name="factors")

    def build(self, input_shape):
        self.hidden.build(input_shape)
        self.factors.build((*input_shape[:-1], self.hidden_units))

    def call(self, inputs):
        factors = self.gamma * self.factors(self.hidden(inputs))
        if self.num_tasks is None:
            return factors
        return ops.reshape(factors, (-1, self.num_tasks, self.units))
