"""Cross-product weights: one weight per pair of ids, the memory of the wide part.

phi(x) has an entry for every pair of values of two columns, 1 where both occur in the row. The
weight of that entry is read at ``id_i * vocabulary_j + id_j``. Where the product of the two
vocabularies exceeds a limit, the index is hashed into a stated number of buckets, and
``collision_report`` says what that costs.
"""

import itertools
from collections.abc import Mapping, Sequence
from pkgutil import resolve_name

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from recsys_lib.checks import check_integer
from recsys_lib.features.columns import (
    Column,
    EmbeddingL2,
    NumericColumn,
    check_columns,
    column_from_config,
    column_to_config,
    read_l2,
    select,
)
from recsys_lib.features.embedding import PENALTIES
from recsys_lib.replicas import one_part

DEFAULT_MAX_ROWS = 2_000_000
DEFAULT_NUM_BUCKETS = 262_144

# Odd constants of the splitmix64 finaliser (Steele, Lea and Flood, 2014): every input bit reaches
# every output bit, so ids that lie in a row do not land in buckets that lie in a row.
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_SHIFTS = (30, 27, 31)

_MOST_IDS = 2**31
_KEYS_OF_NEW_IDS = 2**62
"""Keys of pairs whose second id came after the layer was first built begin here."""


def all_pairs(columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Every unordered pair of names of id columns, in column order.

    Args:
        columns: feature columns; numbers and sequences are left out.

    Returns:
        List of ``(name, name)``.
    """
    names = [column.name for column in columns if not isinstance(column, NumericColumn)]
    return list(itertools.combinations(names, 2))


def hash_bucket(keys: tf.Tensor, num_buckets: tf.Tensor) -> tf.Tensor:
    """Bucket of each int64 key, which is not negative: an int64 in ``[0, num_buckets)``."""
    mixed = tf.bitcast(keys, tf.uint64)
    for shift, multiplier in itertools.zip_longest(_SHIFTS, _MULTIPLIERS):
        mixed = tf.bitwise.bitwise_xor(
            mixed, tf.bitwise.right_shift(mixed, tf.constant(shift, tf.uint64))
        )
        if multiplier is not None:
            mixed *= tf.constant(multiplier, tf.uint64)
    # One bit less, so that the key is not negative as a signed number.
    positive = tf.bitcast(tf.bitwise.right_shift(mixed, tf.constant(1, tf.uint64)), tf.int64)
    return positive % num_buckets


@keras.saving.register_keras_serializable("recsys_lib")
class CrossProduct(keras.layers.Layer):
    """Sum of one learned weight per pair of ids, ``w_cross . phi(x)``.

    A pair with an id 0 has no weight. A pair that involves a sequence column contributes the
    weights of all its real steps.

    Call arguments:
        inputs: dict of column name to ids ``(batch,)`` or ``(batch, max_length)``.

    Returns:
        ``(batch, 1)``.

    Args:
        columns: feature columns.
        pairs: list of pairs of column names; default: all pairs.
        max_rows: pairs with a larger product of vocabularies are hashed.
        num_buckets: rows of each hashed pair's table.
        l2: as for ``FusedEmbedding``, without counts: of the weights that the batch reads, each
            once, or of all weights of pairs without an id 0 (of all buckets of hashed pairs).
        first_sizes: dict of column name to the vocabulary that the layer was first built with,
            where it has grown since (``recsys_lib.training.grow``). A pair is hashed or not as by
            these, so that a pair of ids of that time keeps its weight.

    Raises:
        ValueError: an unknown or numeric column, a column crossed with itself, a repeated pair, a
            size below 1, or a penalty with counts of ids.

    Source: Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems", equation 1.
    """

    def __init__(
        self,
        columns,
        pairs=None,
        max_rows=DEFAULT_MAX_ROWS,
        num_buckets=DEFAULT_NUM_BUCKETS,
        l2=0.0,
        first_sizes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        columns = check_columns(columns)
        self.pairs = tuple(tuple(pair) for pair in (all_pairs(columns) if pairs is None else pairs))
        self._check_pairs(columns)
        self.max_rows = check_integer("CrossProduct, max_rows", max_rows)
        self.num_buckets = check_integer("CrossProduct, num_buckets", num_buckets)
        self.l2 = read_l2(l2, "linear_l2")
        if self.l2.id_counts is not None:
            raise ValueError(
                "CrossProduct, l2: expected no id_counts, for they count ids and not pairs, "
                f"got those of {sorted(self.l2.id_counts)}"
            )
        used = {name: None for pair in self.pairs for name in pair}
        self.columns = select(columns, names=list(used))
        sizes = {column.name: column.vocabulary_size for column in self.columns}
        self.first_sizes = {**sizes, **(first_sizes or {})}
        self.has_grown = self.first_sizes != sizes
        self._lay_out()

    def _check_pairs(self, columns):
        if not self.pairs:
            raise ValueError("CrossProduct: expected at least one pair of columns, got none")
        seen = set()
        for pair in self.pairs:
            if len(pair) != 2 or pair[0] == pair[1]:
                raise ValueError(f"CrossProduct: expected two different columns, got {pair}")
            for column in select(columns, names=pair):
                if isinstance(column, NumericColumn):
                    raise ValueError(f"CrossProduct: column {column.name!r} of {pair} is numeric")
            if frozenset(pair) in seen:
                raise ValueError(f"CrossProduct: the pair {pair} is given twice")
            seen.add(frozenset(pair))

    def _lay_out(self):
        """Where each pair's weights lie, and which slots of a row make up each pair."""
        first_slot, slot = {}, 0
        for column in self.columns:
            first_slot[column.name] = slot
            slot += column.num_slots
        slots = []
        self.table_rows, self.is_hashed, self.num_rows = {}, {}, 0
        for pair in self.pairs:
            first, second = self._members(pair)
            product = self.first_sizes[first.name] * self.first_sizes[second.name]
            is_hashed = product > self.max_rows
            factor = self.first_sizes[second.name] if is_hashed else second.vocabulary_size
            size = self.num_buckets if is_hashed else first.vocabulary_size * factor
            self.table_rows[pair] = slice(self.num_rows, self.num_rows + size)
            self.is_hashed[pair] = is_hashed
            for step_first, step_second in itertools.product(
                range(first.num_slots), range(second.num_slots)
            ):
                left = first_slot[first.name] + step_first
                right = first_slot[second.name] + step_second
                slots.append((left, right, factor, size, is_hashed, self.num_rows))
            self.num_rows += size
        left, right, *sizes, hashed, offsets = np.array(slots, np.int64).T
        self._left, self._right = left.astype(np.int32), right.astype(np.int32)
        (self._factors, self._rows), self._hashed = sizes, hashed.astype(bool)
        self._offsets = offsets

    def build(self, input_shape=None):
        shape = (self.num_rows, 1)
        self.table = self.add_weight(name="table", shape=shape, initializer="zeros", autocast=False)
        self.table.rowwise = True
        self.built = True

    def rows(self, inputs):
        """Row of the weight table that each pair reads, and whether both ids are known.

        Returns:
            int64 ``(batch, pair slots)`` and bool ``(batch, pair slots)``.
        """
        parts = []
        for column in self.columns:
            # 64 bits: 70,000 x 40,000 ids exceed what int32 can index.
            ids = tf.cast(inputs[column.name], tf.int64)
            parts.append(ids if len(ids.shape) == 2 else ids[:, None])
        ids = tf.concat(parts, axis=1)
        left = tf.gather(ids, self._left, axis=1)
        right = tf.gather(ids, self._right, axis=1)
        index = left * self._factors + right
        if self.has_grown:
            # New ids of the second column would meet the keys of other pairs: they get their own.
            is_new = self._hashed & (right >= self._factors)
            index = tf.where(is_new, _KEYS_OF_NEW_IDS + left * _MOST_IDS + right, index)
        if self._hashed.all():
            index = hash_bucket(index, self._rows)
        elif self._hashed.any():
            index = tf.where(self._hashed, hash_bucket(index, self._rows), index)
        return index + self._offsets, (left != 0) & (right != 0)

    def call(self, inputs, training=None):
        rows, known = self.rows(inputs)
        stored = tf.gather(self.table.value, rows)  # (batch, pair slots, 1)
        if training and self.l2.strength:
            self.add_loss(self._penalty(rows, known, stored))
        weights = tf.cast(tf.squeeze(stored, -1), self.compute_dtype)
        weights *= tf.cast(known, self.compute_dtype)
        return tf.reduce_sum(weights, axis=1, keepdims=True)

    def _penalty(self, rows, known, stored):
        if self.l2.rows == "table":
            return one_part(0.5 * self.l2.strength * self._square_of_table())
        # A bucket may hold known pairs and unknown ones; the latter count for nothing.
        rows = tf.where(known, rows, tf.constant(-1, rows.dtype))
        return resolve_name(PENALTIES).penalty_of_rows(self.l2.strength, rows, stored, known)

    def _square_of_table(self):
        """Sum of the squares of all weights that a pair of known ids can read."""
        sizes = [part.stop - part.start for part in self.table_rows.values()]
        total = 0.0
        for pair, part in zip(
            self.pairs, tf.split(tf.convert_to_tensor(self.table)[:, 0], sizes), strict=True
        ):
            first, second = (column.vocabulary_size for column in self._members(pair))
            if not self.is_hashed[pair]:
                part = tf.reshape(part, (first, second))[1:, 1:]
            total += tf.reduce_sum(tf.square(part))
        return total

    def _members(self, pair):
        return select(self.columns, names=pair)

    def moved_rows(self, grown: "CrossProduct") -> np.ndarray:
        """Where each row of the table lies in that of the grown layer, ``(num_rows,)``."""
        rows = np.empty(self.num_rows, np.int64)
        for pair, part in self.table_rows.items():
            own = np.arange(part.stop - part.start)
            if not self.is_hashed[pair]:
                before = self._members(pair)[1].vocabulary_size
                own = own // before * grown._members(pair)[1].vocabulary_size + own % before
            rows[part] = grown.table_rows[pair].start + own
        return rows

    def get_config(self):
        grown = {"first_sizes": self.first_sizes} if self.has_grown else {}
        return {
            **super().get_config(),
            **grown,
            "columns": [column_to_config(column) for column in self.columns],
            "pairs": [list(pair) for pair in self.pairs],
            "max_rows": self.max_rows,
            "num_buckets": self.num_buckets,
            "l2": self.l2.get_config(),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["l2"] = EmbeddingL2(**config.get("l2", {"strength": 0.0}))
        config["columns"] = [column_from_config(column) for column in config["columns"]]
        return cls(**config)


def collision_report(layer: CrossProduct, features: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Report the collisions on given rows: the pairs of ids that share a weight with another.

    Args:
        layer: a ``CrossProduct``, built or not.
        features: dict of column name to ids.

    Returns:
        DataFrame, one row per pair of columns: ``possible_pairs``, ``table_rows``, ``hashed``,
        ``seen_pairs`` (distinct pairs of known ids in the rows), ``colliding_share`` (of the seen
        pairs, the share that shares its weight with another seen pair).
    """
    rows, known = (part.numpy() for part in layer.rows(features))
    report, slot = [], 0
    for pair in layer.pairs:
        first, second = select(layer.columns, names=pair)
        num_slots = first.num_slots * second.num_slots
        slots = slice(slot, slot + num_slots)
        slot += num_slots
        ids = [
            np.asarray(features[column.name], np.int64).reshape(len(rows), column.num_slots)
            for column in (first, second)
        ]
        index = ids[0][:, :, None] * second.vocabulary_size + ids[1][:, None, :]
        index = index.reshape(len(rows), num_slots)
        mask = known[:, slots]
        pairs = np.unique(np.stack([index[mask], rows[:, slots][mask]]), axis=1)
        _, inverse, counts = np.unique(pairs[1], return_inverse=True, return_counts=True)
        table = layer.table_rows[pair]
        report.append(
            {
                "pair": " x ".join(pair),
                "possible_pairs": first.vocabulary_size * second.vocabulary_size,
                "table_rows": table.stop - table.start,
                "hashed": layer.is_hashed[pair],
                "seen_pairs": pairs.shape[1],
                "colliding_share": float((counts[inverse] > 1).mean()) if pairs.size else 0.0,
            }
        )
    return pd.DataFrame(report)
