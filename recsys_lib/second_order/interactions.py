"""Blocks of the models that cross two fields: pairs, their products, and the sum over all of them.

Pairs are the unordered pairs i < j in lexical order, (0, 1), (0, 2), ..., (1, 2), ...: the same
order in every layer, in ``pair_names`` and in ``pair_matrix``.
"""

import itertools
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import KerasTensor, ops

from recsys_lib.checks import check_shape
from recsys_lib.features.columns import L2, Column
from recsys_lib.features.embedding import embed_fields, field_names
from recsys_lib.layers.blocks import flatten_fields, products_by_reader
from recsys_lib.layers.options import Initializer


def pair_indices(num_fields: int) -> tuple[np.ndarray, np.ndarray]:
    """First and second field of every pair i < j.

    Args:
        num_fields: number of fields, 2 or more.

    Returns:
        Two int32 arrays ``(num_pairs,)`` with ``num_pairs = num_fields (num_fields - 1) / 2``.

    Raises:
        ValueError: fewer than two fields.
    """
    if num_fields < 2:
        raise ValueError(f"crossing fields: expected at least 2 fields, got {num_fields}")
    first, second = np.triu_indices(num_fields, k=1)
    return first.astype(np.int32), second.astype(np.int32)


def pair_names(feature_columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Names of the two fields of every pair, in the order of the pairs.

    Args:
        feature_columns: as for ``crossed_fields``.

    Returns:
        List of ``(name, name)``, one for each pair of ``pair_indices``.
    """
    return list(itertools.combinations(field_names(feature_columns), 2))


def pair_matrix(values: np.ndarray, num_fields: int) -> np.ndarray:
    """Values of pairs as a symmetric matrix, for a heat map over the fields.

    Args:
        values: ``(..., num_pairs)``.
        num_fields: number of fields.

    Returns:
        NumPy array ``(..., num_fields, num_fields)``, missing (NaN) on the diagonal.

    Raises:
        ValueError: the number of values is not that of the pairs.
    """
    values = np.asarray(values, dtype=float)
    first, second = pair_indices(num_fields)
    if values.shape[-1] != len(first):
        raise ValueError(
            f"pair_matrix: expected {len(first)} values for {num_fields} fields, "
            f"got {values.shape[-1]}"
        )
    matrix = np.full((*values.shape[:-1], num_fields, num_fields), np.nan)
    matrix[..., first, second] = values
    matrix[..., second, first] = values
    return matrix


def crossed_fields(
    inputs: Mapping[str, KerasTensor],
    feature_columns: Sequence[Column],
    embedding_dim: int,
    name: str = "embedding",
    embeddings_initializer: Initializer = None,
    l2: L2 = 0.0,
) -> KerasTensor:
    """Embeddings of all fields, ``(batch, num_fields, embedding_dim)``, for a crossing model.

    They are the output of the layer ``fields`` (of ``<name>_fields`` under another name).

    Args:
        inputs, feature_columns, embedding_dim, name, embeddings_initializer, l2: as for
            ``embed_fields``.

    Returns:
        ``(batch, num_fields, embedding_dim)``.

    Raises:
        ValueError: fewer than two fields, or a column that states another width.
    """
    num_fields = len(field_names(feature_columns))
    pair_indices(num_fields)
    vectors = embed_fields(inputs, feature_columns, embedding_dim, name, embeddings_initializer, l2)
    label = "fields" if name == "embedding" else f"{name}_fields"
    return keras.layers.Identity(name=label)(vectors)


def pick(fields: tf.Tensor, positions: np.ndarray) -> tf.Tensor:
    """Fields at constant positions along axis 1.

    Indexing is fast forwards; its own gradient is a scattered sum between two transpositions. The
    same sum as a product with a 0/1 matrix takes a third of the time.

    Args:
        fields: ``(batch, num_fields, width)``.
        positions: ``(picked,)`` integers, constant.

    Returns:
        ``(batch, picked, width)``.
    """
    members = np.eye(fields.shape[1], dtype=np.float32)[positions].T  # (num_fields, picked)

    @tf.custom_gradient
    def indexed(fields):
        def gradient(upstream):
            return tf.matmul(tf.cast(members, upstream.dtype), upstream)

        return tf.gather(fields, positions, axis=1), gradient

    return indexed(fields)


class PairLayer(keras.layers.Layer):
    """Base of layers over pairs of fields: ``first`` and ``second`` pick each pair's members."""

    def build(self, input_shape):
        shape = input_shape[0] if isinstance(input_shape[0], list | tuple) else input_shape
        check_shape(self, shape, 3, "(batch, num_fields, embedding_dim)")
        self.num_fields, self.embedding_dim = shape[1], shape[2]
        self.pairs = pair_indices(self.num_fields)
        self.num_pairs = len(self.pairs[0])

    def turn_first(self, fields, kernel):
        """``v_i W_ij`` of each pair.

        Args:
            fields: ``(batch, num_fields, embedding_dim)``.
            kernel: one matrix per pair, ``(num_pairs, embedding_dim, embedding_dim)``.

        Returns:
            ``(batch, num_pairs, embedding_dim)``.
        """
        # Pairs come in the order of their first field, and all of one field read it at once; none
        # reads the last.
        readers = range(self.num_fields - 1, -1, -1)
        turned = products_by_reader(flatten_fields(fields), kernel, readers)
        return ops.reshape(turned, (-1, self.num_pairs, self.embedding_dim))

    def first(self, fields):
        """``(batch, fields, width)`` -> ``(batch, num_pairs, width)``: v_i of each pair."""
        return pick(fields, self.pairs[0])

    def second(self, fields):
        """The same with v_j."""
        return pick(fields, self.pairs[1])


@keras.saving.register_keras_serializable("recsys_lib")
class PairwiseProduct(PairLayer):
    """Hadamard product of every pair of fields, ``v_i o v_j`` for i < j.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, num_pairs, embedding_dim)``.

    Source: Xiao et al. 2017, "Attentional Factorization Machines", section 3.1.
    """

    def call(self, fields):
        return self.first(fields) * self.second(fields)


@keras.saving.register_keras_serializable("recsys_lib")
class PairwiseInnerProduct(PairLayer):
    """Inner product of every pair of fields, ``<v_i, v_j>`` for i < j.

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, num_pairs)``.

    Source: Rendle 2010, "Factorization Machines", equation 1.
    """

    def call(self, fields):
        gram = ops.matmul(fields, ops.transpose(fields, (0, 2, 1)))  # (batch, fields, fields)
        flat = ops.reshape(gram, (-1, self.num_fields**2))
        return ops.take(flat, self.pairs[0] * self.num_fields + self.pairs[1], axis=1)


@keras.saving.register_keras_serializable("recsys_lib")
class BiInteraction(keras.layers.Layer):
    """Sum of the Hadamard products of all pairs, in time linear in the number of fields.

        sum_{i<j} v_i o v_j = 1/2 [(sum_i v_i)^2 - sum_i v_i^2]      (squares taken per element)

    Call arguments:
        fields: ``(batch, num_fields, embedding_dim)``.

    Returns:
        ``(batch, embedding_dim)``.

    Source: He and Chua 2017, "Neural Factorization Machines", section 3.1 (equations 3 and 4);
    summed over the last axis it is lemma 3.1 of Rendle 2010.
    """

    def call(self, fields):
        square_of_sum = ops.square(ops.sum(fields, axis=1))  # (batch, dim)
        sum_of_squares = ops.sum(ops.square(fields), axis=1)  # (batch, dim)
        return 0.5 * (square_of_sum - sum_of_squares)
