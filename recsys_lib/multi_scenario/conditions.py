"""What weights are generated from: some of the features, read once more from the same tables."""

import dataclasses

import keras

from recsys_lib.features.columns import CategoricalColumn, select
from recsys_lib.features.embedding import embed_groups
from recsys_lib.layers.blocks import side_by_side


def features_and_part(values, columns, names, embedding_dim, embeddings_initializer=None, l2=0.0):
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


def ids_of_groups(columns, groups):
    """Names of the categorical columns of some groups."""
    ids = select(columns, kind=CategoricalColumn)
    return [column.name for column in ids if column.group in groups]
