"""The condition from which weights are generated: features, read again from the same tables."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import keras
from keras import KerasTensor

from recsys_lib.features.columns import CategoricalColumn, Column, select
from recsys_lib.features.embedding import embed_groups
from recsys_lib.features.penalties import L2
from recsys_lib.layers.blocks import side_by_side
from recsys_lib.layers.options import Initializer


def features_and_part(
    values: Mapping[str, KerasTensor],
    columns: Sequence[Column],
    names: Sequence[str],
    embedding_dim: int,
    embeddings_initializer: Initializer = None,
    l2: L2 = 0.0,
) -> tuple[KerasTensor, KerasTensor | None]:
    """All features side by side, and those of some columns once more, from the same tables.

    Args:
        values: dict of column name to values.
        columns: feature columns.
        names: of the columns to pick.
        embedding_dim: width of each column's vector.
        embeddings_initializer, l2: see ``embed_groups``.

    Returns:
        ``(batch, width)`` as the layer ``features``, and ``(batch, width of the picked ones)``, or
        None where nothing is to be picked.

    Raises:
        ValueError: a name that no column has.
    """
    chosen = {column.name for column in select(columns, names=names)}
    # Columns of one group come out side by side: the chosen ones get groups of their own, under
    # names that no group has yet.
    groups, prefix = {column.group for column in columns}, "chosen_"
    taken = groups | {column.name for column in columns}
    while any(f"{prefix}{group}" in taken for group in groups):
        prefix += "chosen_"
    regrouped = [
        dataclasses.replace(column, group=f"{prefix}{column.group}")
        if column.name in chosen
        else column
        for column in columns
    ]
    vectors_of = embed_groups(
        values,
        regrouped,
        embedding_dim,
        embeddings_initializer=embeddings_initializer,
        l2=l2,
    )
    of_chosen = {column.group for column in regrouped if column.name in chosen}
    part = [vectors for group, vectors in vectors_of.items() if group in of_chosen]
    features = keras.layers.Identity(name="features")(side_by_side(vectors_of.values()))
    return features, side_by_side(part) if part else None


def ids_of_groups(columns: Sequence[Column], groups: Collection[str]) -> list[str]:
    """Names of the categorical columns of some groups.

    Args:
        columns: feature columns.
        groups: names of the groups.

    Returns:
        List of names, in the order of the columns.
    """
    ids = select(columns, kind=CategoricalColumn)
    return [column.name for column in ids if column.group in groups]
