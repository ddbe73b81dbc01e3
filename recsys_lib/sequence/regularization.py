"""Mini-batch aware regularisation: the L2 penalty of an embedding table, for a batch's rows only.

An L2 penalty on a table of millions of rows would touch all of them in every step. This one
touches the rows that the batch holds, each once, and takes frequent ids back less often by as much
as they come up more often:

    penalty of a batch = strength / 2 * sum over the distinct ids j in the batch of ||w_j||^2 / n_j

with n_j the number of times that id j occurs in the training data. Over an epoch an id is met
about n_j times at most, so its whole pull per epoch is about that of one plain L2 step.

Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 5.1,
equations 4 to 7.
"""

import keras
import numpy as np
import tensorflow as tf

from recsys_lib.features.columns import NumericColumn


def count_ids(dataset, columns=None):
    """How often each id occurs in the training rows, over all columns that share its table.

    Args:
        dataset: ``Dataset``.
        columns: names of the columns that the model reads; default: all. A history that stands in
            the data in two layouts would be counted twice.

    Returns:
        Dict of table name to int64 ``(vocabulary_size,)``; id 0 counts 0.
    """
    counts = {}
    for column in dataset.feature_columns:
        unread = columns is not None and column.name not in columns
        if unread or isinstance(column, NumericColumn):
            continue
        ids = np.asarray(dataset.train.features[column.name]).ravel()
        found = np.bincount(ids, minlength=column.vocabulary_size).astype(np.int64)
        counts[column.table_name] = counts.get(column.table_name, 0) + found
    for values in counts.values():
        values[0] = 0
    return counts


@keras.saving.register_keras_serializable("recsys_lib")
class MiniBatchAwareL2(keras.layers.Layer):
    """Adds the penalty of one table's rows to the training loss; passes the vectors on unchanged.

    Call arguments:
        vectors: ``(batch, slots, width)``, rows of one table.
        ids: ``(batch, slots)``, the rows' ids; 0 is padding.

    Returns:
        ``vectors``.

    Args:
        strength: lambda.
        vocabulary_size: number of ids of the table, the reserved 0 included.
        counts: ``(vocabulary_size,)``, how often each id occurs in the training data; default:
            once each. Ids that never occur there count as once.

    Raises:
        ValueError: a negative strength, or counts of another shape or below zero.
    """

    def __init__(self, strength, vocabulary_size, counts=None, **kwargs):
        super().__init__(**kwargs)
        if strength < 0:
            raise ValueError(f"l2: expected 0 or more, got {strength}")
        if counts is not None:
            counts = np.asarray(counts)
            if counts.shape != (vocabulary_size,) or (counts < 0).any():
                raise ValueError(
                    f"id_counts: expected {vocabulary_size} counts of 0 or more, "
                    f"got shape {counts.shape}" + (f" with {counts.min()}" if counts.size else "")
                )
        self.strength = strength
        self.vocabulary_size = vocabulary_size
        self._counts = counts

    def build(self, vectors_shape, ids_shape):
        # A weight, so that a saved model keeps it.
        self.counts = self.add_weight(
            name="counts", shape=(self.vocabulary_size,), initializer="ones", trainable=False
        )
        if self._counts is not None:
            self.counts.assign(np.maximum(self._counts, 1))

    def call(self, vectors, ids, training=None):
        if training:
            self.add_loss(self._penalty(vectors, ids))
        return vectors

    def _penalty(self, vectors, ids):
        flat = tf.reshape(ids, [-1])
        _, position, in_batch = tf.unique_with_counts(flat)
        # Each occurrence carries an equal part of its id's penalty, so that an id that comes up
        # three times in the batch is not pulled three times.
        share = tf.cast(tf.gather(in_batch, position), vectors.dtype)
        squares = tf.reduce_sum(tf.square(vectors), axis=-1)
        per_occurrence = tf.reshape(squares, [-1]) / (share * tf.gather(self.counts, flat))
        return 0.5 * self.strength * tf.reduce_sum(per_occurrence)

    def get_config(self):
        return {
            **super().get_config(),
            "strength": self.strength,
            "vocabulary_size": self.vocabulary_size,
        }
