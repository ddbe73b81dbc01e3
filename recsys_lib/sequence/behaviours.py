"""The inputs of every sequence model: the candidate, the behaviours, and all other features.

A *behaviour history* is an ordered sequence column that shares its embedding table with a
categorical column of the candidate (group ``item``): the films that the user liked before, beside
the film that is to be scored. Several histories may run side by side, step by step (item and
category of each behaviour); they are then read as one, their vectors concatenated.

Histories hold the oldest behaviour first and id 0 behind the last one.
"""

import dataclasses
from collections.abc import Callable, Sequence

import keras
from keras import KerasTensor, ops

from recsys_lib.checks import check_integer
from recsys_lib.features.columns import (
    CANDIDATE_GROUP,
    ID_COLUMNS,
    L2,
    CategoricalColumn,
    Column,
    Columns,
    SequenceColumn,
    check_columns,
    check_l2,
    select,
)
from recsys_lib.features.embedding import MaskedPooling, build_inputs, concat_numeric, fused_tables
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.options import Configured, Initializer


@dataclasses.dataclass(frozen=True)
class Request:
    """The symbolic tensors of a row, as the sequence models read them.

    Args:
        inputs: dict of column name to the model's inputs.
        candidate: ``(batch, width)``, the candidate's vectors side by side.
        behaviours: ``(batch, steps, width)``, the same vectors of each behaviour.
        mask: ``(batch, steps)`` in the vectors' own precision, 1 for a real step and 0 for padding.
        context: ``(batch, steps, context width)`` of the columns named as the steps' context, or
            None.
        profile: ``(batch, features)``, everything else about the row, or None where there is
            nothing else.
        histories: the history columns, in the order in which their vectors lie side by side.
        embed: function of a list of ids ``(batch, steps)``, one tensor for each history, that
            looks them up in the histories' own tables: ``(batch, steps, width)``.
    """

    inputs: dict[str, KerasTensor]
    candidate: KerasTensor
    behaviours: KerasTensor
    mask: KerasTensor
    context: KerasTensor | None
    profile: KerasTensor | None
    histories: tuple[SequenceColumn, ...]
    embed: Callable[[Sequence[KerasTensor]], KerasTensor]


def histories_of(columns: Sequence[Column]) -> list[SequenceColumn]:
    """The ordered sequences that share their table with a categorical column of group ``item``."""
    items = select(columns, kind=CategoricalColumn, group=CANDIDATE_GROUP)
    tables = {column.table_name for column in items}
    found = select(columns, kind=SequenceColumn)
    return [column for column in found if column.ordered and column.table_name in tables]


def behaviour_pairs(
    feature_columns: Sequence[Column], histories: Sequence[str] | None = None
) -> list[tuple[CategoricalColumn, SequenceColumn]]:
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

    Example:
        >>> from recsys_lib.features import CategoricalColumn, SequenceColumn
        >>> columns = [
        ...     CategoricalColumn("movie_id", 100, group="item"),
        ...     SequenceColumn("history", 100, 20, table="movie_id"),
        ... ]
        >>> [(item.name, history.name) for item, history in behaviour_pairs(columns)]
        [('movie_id', 'history')]
    """
    columns = check_columns(feature_columns)
    candidates = {}
    for column in select(columns, kind=CategoricalColumn, group=CANDIDATE_GROUP):
        candidates.setdefault(column.table_name, column)
    chosen = histories is not None
    sequences = select(columns, names=histories) if chosen else histories_of(columns)
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
    feature_columns: Sequence[Column],
    embedding_dim: int = 16,
    histories: Sequence[str] | None = None,
    step_context: Sequence[str] = (),
    embeddings_initializer: Initializer = None,
    embedding_l2: L2 = 0.0,
    left_out: str | None = None,
    inputs: dict[str, KerasTensor] | None = None,
    suffix: str = "",
) -> Request:
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
        embedding_l2: penalty of the tables, a number or an ``EmbeddingL2``. An id that stands in
            several columns of one table is penalised once; negatives that ``embed`` looks up are
            not.
        left_out: name of a column that the model reads by itself; it has no input here.
        inputs: of an earlier call with these columns, to be looked up in tables of their own.
        suffix: ending of the names of all layers.

    Returns:
        ``Request``.

    Raises:
        ValueError: as ``behaviour_pairs``; a context column of another kind or length; a penalty
            with counts of an unknown table.
    """
    columns = check_columns(feature_columns)
    embedding_l2 = check_l2(columns, embedding_l2)
    columns = Columns(column for column in columns if column.name != left_out)
    pairs = behaviour_pairs(columns, histories)
    sequences = [sequence for _, sequence in pairs]
    embedding_dim = check_integer("embedding_dim", embedding_dim)
    contexts = list(select(columns, names=step_context))
    for column in contexts:
        if not isinstance(column, SequenceColumn):
            raise ValueError(f"step_context {column.name!r}: expected a sequence column")
    _require_one_length(sequences + contexts)
    read = {column.name for column in sequences + contexts}
    columns = Columns(
        column
        for column in columns
        if not (isinstance(column, SequenceColumn) and column.ordered) or column.name in read
    )
    inputs = build_inputs(columns) if inputs is None else inputs
    name = f"embedding{suffix}"
    layers = fused_tables(columns, embedding_dim, name, embeddings_initializer, embedding_l2)
    vectors = _look_up(layers, inputs)

    def of_columns(found, members):
        return side_by_side(found[column.name] for column in members)

    def embed(ids):
        found = {column.name: step for column, step in zip(sequences, ids, strict=True)}
        return of_columns(_look_up(layers, found, is_penalised=False), sequences)

    candidate = of_columns(vectors, [column for column, _ in pairs])
    behaviours = of_columns(vectors, sequences)
    context = of_columns(vectors, contexts) if contexts else None
    mask = ops.cast(ops.not_equal(inputs[sequences[0].name], 0), behaviours.dtype)
    read |= {column.name for column, _ in pairs}
    return Request(
        inputs=inputs,
        candidate=keras.layers.Identity(name=f"candidate{suffix}")(candidate),
        behaviours=keras.layers.Identity(name=f"behaviours{suffix}")(behaviours),
        mask=keras.layers.Identity(name=f"behaviour_mask{suffix}")(mask),
        context=context,
        profile=_profile(inputs, [c for c in columns if c.name not in read], vectors),
        histories=tuple(sequences),
        embed=embed,
    )


def _look_up(layers, inputs, is_penalised=True):
    """Dict of id column to ``(batch, width)``, or ``(batch, steps, width)`` for a sequence.

    Columns that ``inputs`` does not hold are left out.
    """
    vectors = {}
    for layer in layers:
        if not any(column.name in inputs for column in layer.columns):
            continue
        blocks = layer(inputs, is_penalised=is_penalised)
        for block, vectors_of_block in blocks.items():
            members = layer.blocks[block]
            if isinstance(members[0], SequenceColumn):
                vectors[block] = vectors_of_block
                continue
            for position, column in enumerate(members):
                vectors[column.name] = vectors_of_block[:, position]
    return vectors


def _profile(inputs, columns, vectors):
    """Everything about the row that the given columns say, or None where there are none."""
    parts = []
    for column in select(columns, kind=ID_COLUMNS):
        values = vectors[column.name]
        if isinstance(column, SequenceColumn):
            pooled = MaskedPooling(column.combiner)(values, inputs[column.name])
            values = ops.squeeze(pooled, axis=1)  # (batch, 1, dim) -> (batch, dim)
        parts.append(values)
    numbers = concat_numeric(inputs, columns)
    if numbers is not None:
        parts.append(numbers)
    return side_by_side(parts) if parts else None


@keras.saving.register_keras_serializable("recsys_lib")
class RecencyEmbedding(Configured):
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
        # Counted in whole numbers: half precision knows no lengths above 256 or 2,048.
        real = ops.cast(step_mask > 0, "int32")
        length = ops.sum(real, axis=1, keepdims=True)  # (batch, 1)
        recency = (length - ops.arange(step_mask.shape[1], dtype="int32")) * real
        vectors = ops.take(self.vectors, recency, axis=0)  # (batch, steps, dim)
        return vectors * ops.expand_dims(ops.cast(real, vectors.dtype), -1)
