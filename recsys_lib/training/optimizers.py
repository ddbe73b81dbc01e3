"""Adam, Adagrad and FTRL that touch only the rows of an embedding table that a batch reads.

A batch of 1,024 impressions reads at most 1,024 rows per column. The stock optimizers of Keras
rewrite the whole table and its statistics all the same, and they square the gradients of an id
that occurs several times in a batch one by one instead of squaring their sum. The optimizers here
first add up the gradients of each id, then read, update and write that id's rows only.

For variables with an ordinary, dense gradient they do exactly what Keras does.
"""

import numbers
import re
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.optimizers import MultiOptimizer, OptimizerMap

from recsys_lib.checks import check_number
from recsys_lib.keras_internals import (
    ReducedBefore,
    optimizers_by_pattern,
    resource_of,
    variable_key,
)
from recsys_lib.replicas import num_replicas, slices_of_replicas, sums_over_replicas

# Options of Keras's optimizers that read or rewrite a whole table in every step.
_WHOLE_TABLE_OPTIONS = (
    *("weight_decay", "global_clipnorm", "use_ema", "gradient_accumulation_steps"),
    *("loss_scale_factor", "amsgrad"),
)
_BOUNDS = dict.fromkeys(("beta_1", "beta_2"), (0, 1, (1,)))
_BOUNDS |= dict.fromkeys(("epsilon", "clipnorm", "clipvalue"), (0,))


def _write_rows(variable, rows, values):
    tf.raw_ops.ResourceScatterUpdate(
        resource=variable.handle, indices=rows, updates=tf.cast(values, variable.dtype)
    )


class _Rowwise(ReducedBefore):
    """The base of the three optimizers: it sums gradients, and keeps slots side by side.

    The gradients of all replicas are added up first, so that options of Keras such as ``clipnorm``
    see the gradient of the whole batch.

    The statistics of a table are kept in one variable ``(rows, number of statistics * dim)``, so
    that a step reads and writes one row per id instead of one per statistic.
    """

    slot_names = ()

    def __init__(self, learning_rate=0.001, **kwargs):
        place = type(self).__name__
        if isinstance(learning_rate, numbers.Real):
            check_number(f"{place}, learning_rate", learning_rate, 0)
        for option, bounds in _BOUNDS.items():
            if kwargs.get(option) is not None:
                check_number(f"{place}, {option}", kwargs[option], *bounds)
        for option in _WHOLE_TABLE_OPTIONS:
            if kwargs.get(option) is not None and kwargs[option] is not False:
                raise ValueError(
                    f"{place}: {option} would rewrite whole embedding tables in "
                    f"every step and is not supported, got {kwargs[option]!r}"
                )
        super().__init__(learning_rate=learning_rate, **kwargs)

    def build(self, variables):
        if self.built:
            return
        self._slots = {}
        super().build(variables)
        for variable in variables:
            if _is_rowwise(variable):
                self._slots[variable_key(self, variable)] = self.add_variable(
                    shape=(variable.shape[0], len(self.slot_names) * variable.shape[1]),
                    initializer=self._slot_initializer(variable),
                    name=f"{variable.path.replace('/', '_')}_{'_'.join(self.slot_names)}",
                )

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros"):
        # Keras makes one variable per statistic; a table's lie side by side in one of ours.
        if _is_rowwise(reference_variable):
            return None
        return super().add_variable_from_reference(reference_variable, name, initializer)

    def _slot_initializer(self, variable):
        return "zeros"

    def slots(self, variable):
        """Statistics of a row-wise variable by name, each ``(rows, dim)``."""
        values = tf.split(
            resource_of(self._slots[variable_key(self, variable)]), len(self.slot_names), axis=1
        )
        return dict(zip(self.slot_names, values, strict=True))

    def apply(self, grads, trainable_variables=None):
        super().apply(sum_gradients(grads), trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        # Keras hands over the TensorFlow variable behind its own.
        slot = self._slots.get(variable_key(self, variable))
        if slot is None:
            if isinstance(gradient, tf.IndexedSlices):
                gradient = tf.convert_to_tensor(gradient)
            super().update_step(gradient, variable, learning_rate)
            return
        if not isinstance(gradient, tf.IndexedSlices):
            # Something besides lookups used the table: every row has a gradient.
            gradient = tf.IndexedSlices(gradient, tf.range(tf.shape(gradient)[0]))
        rows, values = gradient.indices, tf.cast(gradient.values, variable.dtype)
        old_slots = tf.split(tf.gather(resource_of(slot), rows), len(self.slot_names), axis=1)
        old_rows = tf.gather(variable, rows)
        learning_rate = tf.cast(learning_rate, variable.dtype)
        new_rows, new_slots = self.update_rows(values, old_rows, old_slots, learning_rate)
        _write_rows(resource_of(slot), rows, tf.concat(new_slots, axis=1))
        _write_rows(variable, rows, new_rows)

    def update_rows(self, gradient, rows, slots, learning_rate):
        """The update rule: new rows and a list of new slots, all ``(touched, dim)``."""
        raise NotImplementedError


def _has_non_zero(variable):
    with tf.init_scope():  # Keras's own `fit` builds some optimizers while it traces
        return bool(tf.math.count_nonzero(tf.convert_to_tensor(variable)))


def _is_rowwise(variable):
    return getattr(variable, "rowwise", False)


@keras.saving.register_keras_serializable("recsys_lib")
class Adam(_Rowwise, keras.optimizers.Adam):
    """Adam; rows that a batch does not touch keep their values and their statistics.

    Dense Adam goes on moving a row by its momentum after its id was last seen. Leaving it alone
    is what makes a step's cost independent of the vocabulary; on rows that every batch touches
    the two agree.

    The correction for statistics that start at zero counts the optimizer's steps, not the row's.
    So a row that is first touched late moves further than the learning rate: measured, by 3.2
    times the rate at its first touch after a few thousand steps, and by up to 6.6 times, at the
    12th, where the gradients go on to be alike. (Dense Adam does the same with a weight whose
    gradient was zero so far.) Where rare ids matter, ``Adagrad`` moves no row by more than the
    rate.

    Args:
        learning_rate: size of a step, or a Keras schedule.
        **kwargs: as for ``keras.optimizers.Adam``.

    Raises:
        ValueError: ``amsgrad``, which needs the whole table.

    Source: Kingma and Ba 2015, algorithm 1.
    """

    slot_names = ("momentum", "velocity")

    def update_rows(self, gradient, rows, slots, learning_rate):
        momentum, velocity = slots
        step = tf.cast(self.iterations + 1, rows.dtype)
        momentum += (1 - self.beta_1) * (gradient - momentum)
        velocity += (1 - self.beta_2) * (tf.square(gradient) - velocity)
        correction = tf.sqrt(1 - tf.pow(tf.cast(self.beta_2, rows.dtype), step)) / (
            1 - tf.pow(tf.cast(self.beta_1, rows.dtype), step)
        )
        rows -= learning_rate * correction * momentum / (tf.sqrt(velocity) + self.epsilon)
        return rows, [momentum, velocity]


@keras.saving.register_keras_serializable("recsys_lib")
class Adagrad(_Rowwise, keras.optimizers.Adagrad):
    """Adagrad: steps shrink with the sum of squared gradients of each weight.

    Args: as ``keras.optimizers.Adagrad``.

    Source: Duchi, Hazan and Singer 2011, section 1.1.
    """

    slot_names = ("accumulator",)

    def _slot_initializer(self, variable):
        return keras.initializers.Constant(self.initial_accumulator_value)

    def update_rows(self, gradient, rows, slots, learning_rate):
        accumulator = slots[0] + tf.square(gradient)
        rows -= learning_rate * gradient / tf.sqrt(accumulator + self.epsilon)
        return rows, [accumulator]


@keras.saving.register_keras_serializable("recsys_lib")
class Ftrl(_Rowwise, keras.optimizers.Ftrl):
    """FTRL-Proximal with L1 and L2: a weight is exactly zero while its ``|z|`` is within L1.

    Each weight is a function of its ``z`` and ``n`` alone, so a table must start at zero: any
    other start is lost on the first touch of a row, and kept on rows that are never touched.

    Args:
        learning_rate: size of a step, the paper's alpha.
        **kwargs: as for ``keras.optimizers.Ftrl`` (its L2 counts twice, as in TensorFlow: the
            paper's ``lambda_2`` is ``2 * l2_regularization_strength``).

    Raises:
        ValueError: on the first step, a table that does not start at zero.

    Source: McMahan et al. 2013, "Ad Click Prediction: a View from the Trenches", algorithm 1.
    """

    slot_names = ("accumulator", "linear")

    def __init__(self, learning_rate=0.001, **kwargs):
        if kwargs.get("l2_shrinkage_regularization_strength"):
            raise ValueError("Ftrl: l2_shrinkage_regularization_strength is not supported")
        super().__init__(learning_rate=learning_rate, **kwargs)

    def build(self, variables):
        if not self.built:
            for variable in variables:
                if _is_rowwise(variable) and _has_non_zero(variable):
                    raise ValueError(
                        f"Ftrl: the table {variable.path!r} must start at zero, since FTRL "
                        "computes a weight from its gradients alone; use the initializer 'zeros'"
                    )
        super().build(variables)

    def _slot_initializer(self, variable):
        start, dim = self.initial_accumulator_value, variable.shape[1]

        def initialize(shape, dtype=None):
            accumulator = tf.fill([shape[0], dim], tf.cast(start, dtype))
            return tf.concat([accumulator, tf.zeros([shape[0], dim], dtype)], axis=1)

        return initialize

    def update_rows(self, gradient, rows, slots, learning_rate):
        accumulator, linear = slots
        new_accumulator = accumulator + tf.square(gradient)
        new_power = tf.pow(new_accumulator, -self.learning_rate_power)
        old_power = tf.pow(accumulator, -self.learning_rate_power)
        linear += gradient - (new_power - old_power) / learning_rate * rows
        l1 = self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2 * learning_rate)
        rows = (tf.clip_by_value(linear, -l1, l1) - linear) / (new_power / learning_rate + 2 * l2)
        return rows, [new_accumulator, linear]


@keras.saving.register_keras_serializable("recsys_lib")
class _StrictMap(OptimizerMap):
    """An ``OptimizerMap`` without a silent default: each variable matches exactly one pattern."""

    def __getitem__(self, key):
        optimizers = optimizers_by_pattern(self)
        if key in optimizers:  # iteration over the map's own patterns
            return optimizers[key]
        matches = [pattern for pattern in optimizers if re.fullmatch(pattern, key)]
        if len(matches) != 1:
            raise ValueError(
                f"variable {key!r} matches {len(matches)} of the patterns "
                f"{list(optimizers)}, expected exactly one"
            )
        return optimizers[matches[0]]

    def get_config(self):
        # The default is one of the optimizers; stored apart it would come back as one more.
        return {"optimizer_map": super().get_config()["optimizer_map"]}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        optimizers = keras.saving.deserialize_keras_object(config["optimizer_map"], custom_objects)
        return cls(next(iter(optimizers.values())), optimizers)


@keras.saving.register_keras_serializable("recsys_lib")
class _StrictMultiOptimizer(MultiOptimizer):
    def build(self, variables):
        if not self.built:
            paths = [variable.path for variable in variables]
            for pattern in optimizers_by_pattern(self):
                if not any(re.fullmatch(pattern, path) for path in paths):
                    raise ValueError(
                        f"the pattern {pattern!r} matches no variable; the paths are {paths}"
                    )
        super().build(variables)


def optimizer_per_group(optimizers):
    """One optimizer per group of variables, trained jointly on one loss.

    Args:
        optimizers: dict of regular expression to optimizer. Each variable's path (for example
            ``"wide_cross/table"``) must match exactly one expression in full.

    Returns:
        A Keras optimizer.

    Raises:
        ValueError: when built on a model's variables, if a variable matches none or several of
            the expressions, or an expression matches no variable.
    """
    if not optimizers:
        raise ValueError("optimizers: expected at least one pattern, got none")
    default = next(iter(optimizers.values()))
    return _StrictMultiOptimizer(_StrictMap(default, dict(optimizers)))


def sum_duplicates(gradient: tf.IndexedSlices) -> tf.IndexedSlices:
    """Add up the gradients of a table's rows that occur several times: each then occurs once."""
    rows, position = tf.unique(gradient.indices)
    values, counts = gradient.values, tf.stack([tf.size(rows), tf.size(position)])
    if 1 < values.shape[1] < 32:
        # The same bits, by a product with a sparse 0/1 matrix: at 8 and 16 in a third of the time.
        places = tf.cast(tf.stack([position, tf.range(counts[1])], axis=1), tf.int64)
        ones = tf.ones(counts[1:], values.dtype)
        members = tf.SparseTensor(places, ones, tf.cast(counts, tf.int64))
        values = tf.sparse.sparse_dense_matmul(members, values)
    else:
        values = tf.math.unsorted_segment_sum(values, position, counts[0])
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def sum_gradients(gradients: Sequence[Any]) -> list[Any]:
    """The gradients of all replicas added up, those of a table row by row; None stays None.

    Each replica adds up its own, which shares the work and what is sent, and then those of all. No
    row of a table then occurs twice.
    """
    dense = [g for g in gradients if g is not None and not isinstance(g, tf.IndexedSlices)]
    reduced = iter(sums_over_replicas(*dense))
    sparse = [g for g in gradients if isinstance(g, tf.IndexedSlices)]
    joined = [sum_duplicates(gradient) for gradient in sparse]
    if sparse and num_replicas() > 1:
        slots = [tf.size(gradient.indices) for gradient in sparse]
        joined = [sum_duplicates(one) for one in slices_of_replicas(joined, slots)]
    summed = {True: iter(joined), False: reduced}
    return [g if g is None else next(summed[isinstance(g, tf.IndexedSlices)]) for g in gradients]
