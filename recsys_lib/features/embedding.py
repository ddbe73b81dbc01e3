"""Embedding lookup: one fused table per width, read and updated row by row.

All id columns of one width live in one variable, one below the other, and a batch reads them in a
single gather. The gather reads the resource variable itself: gathering from its *value* instead
copies the whole table in every step: nothing at a thousand ids, everything at a million.
"""

from pkgutil import resolve_name

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from recsys_lib.checks import check_integer, check_known
from recsys_lib.features.columns import (
    ID_COLUMNS,
    CategoricalColumn,
    Columns,
    EmbeddingL2,
    NumericColumn,
    SequenceColumn,
    check_columns,
    column_from_config,
    column_to_config,
    read_l2,
    select,
)

MAX_ROWS = np.iinfo(np.int32).max
PENALTIES = "recsys_lib.features.penalties"
"""Imported by a table that has a penalty."""


def build_inputs(columns):
    """One ``keras.Input`` per feature column, named after it.

    Args:
        columns: feature columns.

    Returns:
        Dict of column name to symbolic tensor: ids are int32, ``(batch,)`` or ``(batch,
        max_length)``, numbers float32, ``(batch,)`` or ``(batch, dimension)``.
    """
    return {
        column.name: keras.Input(
            shape=column.input_shape,
            name=column.name,
            dtype="float32" if isinstance(column, NumericColumn) else "int32",
        )
        for column in check_columns(columns)
    }


def blocks_of(columns):
    """Group id columns into the blocks that ``FusedEmbedding`` returns.

    The categorical columns of one group form a block named after the group; every sequence
    column is a block of its own, named after the column.

    Returns:
        Dict of block name to tuple of columns.
    """
    blocks = {}
    for column in select(columns, kind=ID_COLUMNS):
        name = column.group if isinstance(column, CategoricalColumn) else column.name
        members = blocks.setdefault(name, [])
        members.append(column)
    for name, members in blocks.items():
        if any(isinstance(column, SequenceColumn) for column in members) and len(members) > 1:
            raise ValueError(f"sequence column {name!r} is named like a group of columns")
    return {name: tuple(members) for name, members in blocks.items()}


@keras.saving.register_keras_serializable("recsys_lib")
class FusedEmbedding(keras.layers.Layer):
    """Look up all id columns of one embedding width in one table.

    Id 0 yields the zero vector, whatever the table's row holds, and its row receives no gradient:
    padding adds nothing to a sum, and two ids that were never trained are alike.

    Call arguments:
        inputs: dict of column name to ids, ``(batch,)`` or ``(batch, max_length)``. Other entries
            are ignored. Blocks whose columns are all missing are left out of the result, so that
            a request's side can be looked up apart from its candidates.
        is_penalised: whether this look-up adds the penalty of the rows that it reads; False for
            rows that the loss reads beside those of the batch, such as drawn negatives.

    Returns:
        Dict of block name (see ``blocks_of``) to vectors, ``(batch, columns in the block,
        embedding_dim)``; for a sequence ``(batch, max_length, embedding_dim)``.

    Args:
        columns: feature columns; numeric ones are left aside.
        embedding_dim: width of the vectors.
        embeddings_initializer: Keras initializer of the table.
        l2: penalty that is added to the training loss, a number or an ``EmbeddingL2``.

    Raises:
        ValueError: no id column, or more rows than an int32 can number.
    """

    def __init__(self, columns, embedding_dim, embeddings_initializer=None, l2=0.0, **kwargs):
        super().__init__(**kwargs)
        self.columns = select(check_columns(columns), kind=ID_COLUMNS)
        if not self.columns:
            raise ValueError("FusedEmbedding: expected at least one id column, got none")
        self.embedding_dim = check_integer("embedding_dim", embedding_dim)
        self.l2 = read_l2(l2)
        self.embeddings_initializer = _own_initializer(embeddings_initializer)
        self.blocks = blocks_of(self.columns)
        self._slots = {column.name: column.num_slots for column in self.columns}
        self.table_offsets, self.num_rows, self._of_tables = {}, 0, []
        for column in self.columns:
            if column.table_name not in self.table_offsets:
                self.table_offsets[column.table_name] = self.num_rows
                self.num_rows += column.vocabulary_size
                self._of_tables.append(column)
        if self.num_rows > MAX_ROWS:
            raise ValueError(
                f"FusedEmbedding: {self.num_rows} rows exceed the {MAX_ROWS} that int32 addresses"
            )

    def build(self, input_shape=None):
        self.table = self.add_weight(
            name="table",
            shape=(self.num_rows, self.embedding_dim),
            initializer=self.embeddings_initializer,
            # Under mixed precision its value would be a copy: the rows are cast, not the table.
            autocast=False,
        )
        # Tells the optimizers to keep this variable's statistics row by row.
        self.table.rowwise = True
        if self.l2.strength:
            # A weight, so that a saved model keeps it.
            shares = resolve_name(PENALTIES).shares_of(self._of_tables, self.l2.id_counts)
            self.penalty_shares = self.add_weight(
                name="penalty_shares",
                shape=(self.num_rows,),
                initializer=lambda shape, dtype=None: tf.constant(shares, dtype or "float32"),
                trainable=False,
            )
        self.built = True

    def call(self, inputs, training=None, is_penalised=True):
        blocks = {
            name: columns
            for name, columns in self.blocks.items()
            if any(column.name in inputs for column in columns)
        }
        parts, offsets, sizes = [], [], []
        for columns in blocks.values():
            for column in columns:
                ids = tf.cast(inputs[column.name], tf.int32)
                parts.append(ids if len(ids.shape) == 2 else ids[:, None])
                offsets += [self.table_offsets[column.table_name]] * self._slots[column.name]
            sizes.append(sum(self._slots[column.name] for column in columns))
        ids = tf.concat(parts, axis=1)  # (batch, slots)
        rows = ids + tf.constant(offsets, tf.int32)
        # From TensorFlow's variable, not from a tensor of it: see the module docstring.
        weights = tf.gather(self.table.value, rows)  # (batch, slots, dim)
        if training and is_penalised and self.l2.strength:
            self.add_loss(self._penalty(rows, weights))
        vectors = tf.cast(weights, self.compute_dtype)
        vectors *= tf.cast(ids != 0, vectors.dtype)[:, :, None]
        return dict(zip(blocks, tf.split(vectors, sizes, axis=1), strict=True))

    def separate(self, inputs, is_single):
        """Split the names of ``inputs`` into blocks that ``is_single`` holds for, and the rest.

        No output mixes two blocks, so ``rank`` looks up one side of a request at a time.
        """
        single, rest = [], []
        for columns in self.blocks.values():
            names = [column.name for column in columns if column.name in inputs]
            (single if all(is_single(inputs[name]) for name in names) else rest).extend(names)
        return single, rest

    def _penalty(self, rows, weights):
        penalties, shares = resolve_name(PENALTIES), tf.convert_to_tensor(self.penalty_shares)
        if self.l2.rows == "table":
            return penalties.penalty_of_table(self.l2.strength, self.table, shares)
        return penalties.penalty_of_rows(self.l2.strength, rows, weights, tf.gather(shares, rows))

    def rows_of(self, name):
        """Slice of the table's rows that belong to the column (or table) ``name``."""
        for column in self.columns:
            if name in (column.name, column.table_name):
                start = self.table_offsets[column.table_name]
                return slice(start, start + column.vocabulary_size)
        raise ValueError(f"no id column is named {name!r} in {self.name!r}")

    def get_config(self):
        return {
            **super().get_config(),
            "columns": [column_to_config(column) for column in self.columns],
            "embedding_dim": self.embedding_dim,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
            "l2": self.l2.get_config(),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["l2"] = EmbeddingL2(**config.get("l2", {"strength": 0.0}))
        config["columns"] = [column_from_config(column) for column in config["columns"]]
        return cls(**config)


@keras.saving.register_keras_serializable("recsys_lib")
class MaskedPooling(keras.layers.Layer):
    """Mean or sum over the real steps of a sequence; an empty sequence pools to zero.

    Call arguments:
        vectors: ``(batch, steps, dim)``.
        ids: ``(batch, steps)``; 0 marks padding.

    Returns:
        ``(batch, 1, dim)``: one more field beside the categorical ones.
    """

    def __init__(self, combiner="mean", **kwargs):
        super().__init__(**kwargs)
        self.combiner = combiner

    def call(self, vectors, ids):
        mask = ops.cast(ops.not_equal(ids, 0), vectors.dtype)  # (batch, steps)
        total = ops.sum(vectors * ops.expand_dims(mask, -1), axis=1, keepdims=True)
        if self.combiner == "sum":
            return total
        count = ops.maximum(ops.sum(mask, axis=1), 1.0)  # (batch,)
        return total / ops.reshape(count, (-1, 1, 1))

    def get_config(self):
        return {**super().get_config(), "combiner": self.combiner}


@keras.saving.register_keras_serializable("recsys_lib")
class NumericEmbedding(keras.layers.Layer):
    """Factorization machines' view of a number: ``x`` times a learned vector.

    Call arguments:
        values: ``(batch, numbers)``.

    Returns:
        ``(batch, numbers, embedding_dim)``.
    """

    def __init__(self, embedding_dim, embeddings_initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.embedding_dim = check_integer("embedding_dim", embedding_dim)
        self.embeddings_initializer = _own_initializer(embeddings_initializer)

    def build(self, input_shape):
        self.vectors = self.add_weight(
            name="vectors",
            shape=(input_shape[-1], self.embedding_dim),
            initializer=self.embeddings_initializer,
        )

    def call(self, values):
        return ops.expand_dims(values, -1) * self.vectors

    def get_config(self):
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }


def _own_initializer(given):
    """A table's initializer. One object draws the same values twice, so a given one is copied."""
    if given is None:
        return keras.initializers.RandomUniform(-0.05, 0.05)
    initializer = check_known("embeddings_initializer", given, keras.initializers)
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def concat_numeric(inputs, columns):
    """All numeric columns side by side, ``(batch, numbers)``, or None where there are none."""
    values = [
        inputs[column.name] if column.dimension > 1 else ops.expand_dims(inputs[column.name], -1)
        for column in select(columns, kind=NumericColumn)
    ]
    if not values:
        return None
    return values[0] if len(values) == 1 else ops.concatenate(values, axis=-1)


def pool_blocks(blocks, inputs, columns):
    """Turn the blocks of a ``FusedEmbedding`` into fields: sequences are pooled to one field.

    Returns:
        Dict of block name to ``(batch, fields, dim)``.
    """
    sequences = {column.name: column for column in select(columns, kind=SequenceColumn)}
    return {
        name: MaskedPooling(sequences[name].combiner)(vectors, inputs[name])
        if name in sequences
        else vectors
        for name, vectors in blocks.items()
    }


def field_names(columns):
    """Names of the fields along axis 1 of ``embed_fields``, in its order."""
    names = [column.name for members in blocks_of(columns).values() for column in members]
    for column in select(columns, kind=NumericColumn):
        numbers = range(column.dimension)
        names += [column.name] if column.dimension == 1 else [f"{column.name}_{i}" for i in numbers]
    return names


def embed_fields(
    inputs, columns, embedding_dim, name="embedding", embeddings_initializer=None, l2=0.0
):
    """All features as fields of one width, for models that cross fields with each other.

    Args:
        inputs: what ``build_inputs`` returned.
        columns: feature columns; none may ask for another ``embedding_dim``.
        embedding_dim, name, embeddings_initializer, l2: of the ``FusedEmbedding``.

    Returns:
        ``(batch, num_fields, embedding_dim)``, in the order of ``field_names``.

    Raises:
        ValueError: a column states another width.
    """
    for column in select(columns, kind=ID_COLUMNS):
        if column.embedding_dim not in (None, embedding_dim):
            raise ValueError(
                f"column {column.name!r}: crossing fields needs one width, expected "
                f"embedding_dim {embedding_dim}, got {column.embedding_dim}"
            )
    fields = []
    if select(columns, kind=ID_COLUMNS):
        layer = FusedEmbedding(columns, embedding_dim, embeddings_initializer, l2, name=name)
        fields += pool_blocks(layer(inputs), inputs, columns).values()
    numbers = concat_numeric(inputs, columns)
    if numbers is not None:
        layer = NumericEmbedding(embedding_dim, embeddings_initializer, name=f"{name}_numeric")
        fields.append(layer(numbers))
    return fields[0] if len(fields) == 1 else ops.concatenate(fields, axis=1)


def fused_tables(columns, embedding_dim, name, embeddings_initializer=None, l2=0.0):
    """A ``FusedEmbedding`` for every width that occurs, the narrowest first.

    Args:
        columns: feature columns.
        embedding_dim: width of the columns that state none of their own.
        name, embeddings_initializer, l2: of the layers; of several each name ends in its width.
    """
    id_columns = select(columns, kind=ID_COLUMNS)
    widths = sorted({column.embedding_dim or embedding_dim for column in id_columns})
    layers = []
    for width in widths:
        of_width = (c for c in id_columns if (c.embedding_dim or embedding_dim) == width)
        members, layer_name = Columns(of_width), name if len(widths) == 1 else f"{name}_{width}"
        layers.append(FusedEmbedding(members, width, embeddings_initializer, l2, name=layer_name))
    return layers


def embed_groups(
    inputs, columns, embedding_dim, name="embedding", embeddings_initializer=None, l2=0.0
):
    """All features of each group as one flat vector, for a deep network per group or over all.

    Args:
        inputs, columns, embedding_dim, name, embeddings_initializer, l2: as for ``embed_fields``,
            but columns may state widths of their own; each width gets one fused table.

    Returns:
        Dict of group name to ``(batch, width of the group)``: embeddings in column order within
        each width, then pooled sequences, then the numbers as they are.
    """
    embedding_dim = check_integer("embedding_dim", embedding_dim)
    group_of_sequence = {c.name: c.group for c in select(columns, kind=SequenceColumn)}
    parts = {}
    for layer in fused_tables(columns, embedding_dim, name, embeddings_initializer, l2):
        for block, vectors in pool_blocks(layer(inputs), inputs, layer.columns).items():
            flat = ops.reshape(vectors, (-1, vectors.shape[1] * vectors.shape[2]))
            parts.setdefault(group_of_sequence.get(block, block), []).append(flat)
    for group in {column.group: None for column in select(columns, kind=NumericColumn)}:
        numbers = concat_numeric(inputs, select(columns, kind=NumericColumn, group=group))
        parts.setdefault(group, []).append(numbers)
    return {
        group: vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=-1)
        for group, vectors in parts.items()
    }
