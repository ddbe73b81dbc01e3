"""What every sequence model reads of a row: the candidate, the behaviours, and everything else.

A *behaviour history* is an ordered sequence column that shares its embedding table with a
categorical column of the candidate (group ``item``): the films that the user liked before, beside
the film that is to be scored. Several histories may run side by side, step by step (item and
category of each behaviour); they are then read as one, their vectors concatenated.

Histories hold the oldest behaviour first and id 0 behind the last one.
"""

import dataclasses
from collections.abc import Callable

import keras
from keras import ops

from recsys_lib.features.columns import (
    CANDIDATE_GROUP,
    CategoricalColumn,
    NumericColumn,
    SequenceColumn,
    check_columns,
    select,
)
from recsys_lib.features.embedding import (
    ID_COLUMNS,
    FusedEmbedding,
    MaskedPooling,
    build_inputs,
    concat_numeric,
)
from recsys_lib.layers.blocks import MLP
from recsys_lib.layers.heads import PredictionHead
from recsys_lib.sequence.regularization import MiniBatchAwareL2


@dataclasses.dataclass(frozen=True)
class Request:
    """The symbolic tensors of a row, as the sequence models read them.

    Args:
        inputs: dict of column name to the model's inputs.
        candidate: ``(batch, width)``, the candidate's vectors side by side.
        behaviours: ``(batch, steps, width)``, the same vectors of each behaviour.
        mask: ``(batch, steps)`` float32, 1 for a real step and 0 for padding.
        context: ``(batch, steps, context width)`` of the columns named as the steps' context, or
            None.
        profile: ``(batch, features)``, everything else about the row, or None where there is
            nothing else.
        histories: the history columns, in the order in which their vectors lie side by side.
        embed: function of a list of ids ``(batch, steps)``, one tensor for each history, that
            looks them up in the histories' own tables: ``(batch, steps, width)``.
    """

    inputs: dict
    candidate: object
    behaviours: object
    mask: object
    context: object
    profile: object
    histories: tuple
    embed: Callable


def behaviour_pairs(feature_columns, histories=None):
    """The candidate's columns and the histories that belong to them.

    Args:
        feature_columns: columns.
        histories: names of the sequence columns to read; default: every ordered sequence that
            shares its table with a categorical column of group ``item``.

    Returns:
        List of ``(CategoricalColumn, SequenceColumn)``.

    Raises:
        ValueError: there is no history, a named one shares no table with the candidate, two
            belong to one column of the candidate, or they differ in length.
    """
    columns = check_columns(feature_columns)
    candidates = {}
    for column in select(columns, kind=CategoricalColumn, group=CANDIDATE_GROUP):
        candidates.setdefault(column.table_name, column)
    if histories is None:
        sequences = [
            column
            for column in select(columns, kind=SequenceColumn)
            if column.ordered and column.table_name in candidates
        ]
    else:
        sequences = select(columns, names=histories)
    pairs, taken = [], {}
    for column in sequences:
        if not isinstance(column, SequenceColumn) or column.table_name not in candidates:
            raise ValueError(
                f"history {column.name!r}: expected a sequence column that shares its table with "
                f"a categorical column of group 'item'; their tables are {sorted(candidates)}"
            )
        if column.table_name in taken:
            raise ValueError(
                f"histories {taken[column.table_name]!r} and {column.name!r} share the table "
                f"{column.table_name!r}: name the ones to read in histories=(...)"
            )
        taken[column.table_name] = column.name
        pairs.append((candidates[column.table_name], column))
    if not pairs:
        raise ValueError(
            "sequence model: expected an ordered sequence column that shares its table with a "
            f"categorical column of group 'item', got {[column.name for column in columns]}"
        )
    _require_one_length([sequence for _, sequence in pairs])
    return pairs


def _require_one_length(sequences):
    lengths = {sequence.name: sequence.max_length for sequence in sequences}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"histories: expected one max_length for all, got {lengths}")


def read_request(
    feature_columns,
    embedding_dim,
    histories=None,
    step_context=(),
    embeddings_initializer=None,
    l2=0.0,
    id_counts=None,
):
    """Build the inputs and look everything up.

    Ordered sequences that are neither a history nor named in ``step_context`` stay out of the
    model: it has no input for them. Unordered ones (a film's genres) are pooled into the profile.

    Args:
        feature_columns: columns; behaviours and candidate among them.
        embedding_dim: width of each column's vector, unless the column states its own.
        histories: see ``behaviour_pairs``.
        step_context: names of sequence columns of the histories' length that describe the steps
            and have no counterpart in the candidate: the age of each behaviour, its session.
        embeddings_initializer: Keras initializer of the tables.
        l2: strength of the mini-batch aware penalty on the tables' rows, see
            ``MiniBatchAwareL2``.
        id_counts: dict of table name to counts, as ``count_ids`` returns it; a table without
            counts is not penalised. Needed where ``l2`` is not 0.

    Returns:
        ``Request``.

    Raises:
        ValueError: as ``behaviour_pairs``; a context column of another kind or length; a penalty
            without counts.
    """
    columns = check_columns(feature_columns)
    pairs = behaviour_pairs(columns, histories)
    sequences = [sequence for _, sequence in pairs]
    contexts = list(select(columns, names=step_context))
    for column in contexts:
        if not isinstance(column, SequenceColumn):
            raise ValueError(f"step_context {column.name!r}: expected a sequence column")
    _require_one_length(sequences + contexts)
    read = {column.name for column in sequences + contexts}
    columns = tuple(
        column
        for column in columns
        if not (isinstance(column, SequenceColumn) and column.ordered) or column.name in read
    )
    inputs = build_inputs(columns)
    layers = _embedding_layers(columns, embedding_dim, embeddings_initializer)
    vectors = _look_up(layers, inputs)
    if l2:
        if not id_counts:
            raise ValueError(f"l2: {l2} needs id_counts=count_ids(dataset), got {id_counts!r}")
        vectors = _penalised(vectors, inputs, columns, l2, id_counts)

    def side_by_side(members):
        parts = [vectors.pop(column.name) for column in members]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)

    def embed(ids):
        found = _look_up(layers, {c.name: step for c, step in zip(sequences, ids, strict=True)})
        parts = [found[column.name] for column in sequences]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)

    candidate = side_by_side([column for column, _ in pairs])
    behaviours = side_by_side(sequences)
    context = side_by_side(contexts) if contexts else None
    mask = ops.cast(ops.not_equal(inputs[sequences[0].name], 0), "float32")
    return Request(
        inputs=inputs,
        candidate=keras.layers.Identity(name="candidate")(candidate),
        behaviours=keras.layers.Identity(name="behaviours")(behaviours),
        mask=keras.layers.Identity(name="behaviour_mask")(mask),
        context=context,
        profile=_profile(inputs, columns, vectors),
        histories=tuple(sequences),
        embed=embed,
    )


def _embedding_layers(columns, embedding_dim, embeddings_initializer):
    """One fused table for every width that occurs."""
    id_columns = select(columns, kind=ID_COLUMNS)
    widths = sorted({column.embedding_dim or embedding_dim for column in id_columns})
    return [
        FusedEmbedding(
            [c for c in id_columns if (c.embedding_dim or embedding_dim) == width],
            width,
            embeddings_initializer,
            name="embedding" if len(widths) == 1 else f"embedding_{width}",
        )
        for width in widths
    ]


def _look_up(layers, inputs):
    """Dict of id column to ``(batch, width)``, or ``(batch, steps, width)`` for a sequence.

    Columns that ``inputs`` does not hold are left out.
    """
    vectors = {}
    for layer in layers:
        if not any(column.name in inputs for column in layer.columns):
            continue
        blocks = layer(inputs)
        for block, vectors_of_block in blocks.items():
            members = layer.blocks[block]
            if isinstance(members[0], SequenceColumn):
                vectors[block] = vectors_of_block
                continue
            for position, column in enumerate(members):
                vectors[column.name] = vectors_of_block[:, position]
    return vectors


def _penalised(vectors, inputs, columns, l2, id_counts):
    """The same vectors, passed through the penalty of their table."""
    vectors = dict(vectors)
    tables = {}
    for column in select(columns, kind=ID_COLUMNS):
        if column.table_name in id_counts:
            tables.setdefault(column.table_name, []).append(column)
    for table, members in tables.items():
        # All columns of a table at once: an id in two of them is still penalised once.
        slots = [column.num_slots for column in members]
        shaped = [
            vectors[c.name] if c.input_shape else ops.expand_dims(vectors[c.name], 1)
            for c in members
        ]
        ids = [
            inputs[c.name] if c.input_shape else ops.expand_dims(inputs[c.name], 1) for c in members
        ]
        layer = MiniBatchAwareL2(
            l2, members[0].vocabulary_size, id_counts[table], name=f"{table}_l2"
        )
        passed = layer(ops.concatenate(shaped, axis=1), ops.concatenate(ids, axis=1))
        start = 0
        for column, count in zip(members, slots, strict=True):
            part = passed[:, start : start + count]
            vectors[column.name] = part if column.input_shape else part[:, 0]
            start += count
    return vectors


def _profile(inputs, columns, vectors):
    parts = []
    for column in select(columns, kind=ID_COLUMNS):
        if column.name not in vectors:
            continue
        values = vectors[column.name]
        if isinstance(column, SequenceColumn):
            pooled = MaskedPooling(column.combiner)(values, inputs[column.name])
            values = ops.squeeze(pooled, axis=1)  # (batch, 1, dim) -> (batch, dim)
        parts.append(values)
    numbers = concat_numeric(inputs, select(columns, kind=NumericColumn))
    if numbers is not None:
        parts.append(numbers)
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)


@keras.saving.register_keras_serializable("recsys_lib")
class RecencyEmbedding(keras.layers.Layer):
    """A learned vector for how many behaviours ago a step was: 1 for the most recent one.

    Counted from the end, since histories of different length begin at the same step and end at
    different ones.

    Call arguments:
        step_mask: ``(batch, steps)``, 1 for real steps, which come first.

    Returns:
        ``(batch, steps, embedding_dim)``; the zero vector at padding.
    """

    def __init__(self, embedding_dim, **kwargs):
        super().__init__(**kwargs)
        self.embedding_dim = embedding_dim

    def build(self, step_mask_shape):
        self.vectors = self.add_weight(
            name="vectors",
            shape=(step_mask_shape[1] + 1, self.embedding_dim),
            initializer=keras.initializers.RandomUniform(-0.05, 0.05),
        )

    def call(self, step_mask):
        steps = step_mask.shape[1]
        length = ops.sum(step_mask, axis=1, keepdims=True)  # (batch, 1)
        recency = ops.cast((length - ops.arange(steps, dtype=step_mask.dtype)) * step_mask, "int32")
        vectors = ops.take(self.vectors, recency, axis=0)  # (batch, steps, dim)
        return vectors * ops.expand_dims(step_mask, -1)

    def get_config(self):
        return {**super().get_config(), "embedding_dim": self.embedding_dim}


def score(request, interests, hidden_units, activation="relu", dropout_rate=0.0, task="click"):
    """The network behind the interest: reads profile, candidate and interests, gives a probability.

    Args:
        request: ``Request``.
        interests: list of ``(batch, width)``, what the model made of the behaviours.
        hidden_units, activation, dropout_rate: see ``MLP``; an activation may be a layer's factory,
            a function without arguments that returns a fresh layer.
        task: name of the output.

    Returns:
        ``(batch,)``.
    """
    parts = [] if request.profile is None else [request.profile]
    features = ops.concatenate([*parts, request.candidate, *interests], axis=-1)
    hidden = MLP(hidden_units, activation=activation, dropout_rate=dropout_rate, name="deep")(
        features
    )
    # The head adds the one bias of the model.
    logit = keras.layers.Dense(1, use_bias=False, name="deep_logit")(hidden)
    return PredictionHead(name=task)(logit)
