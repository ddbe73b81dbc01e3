"""What an ``EmbeddingL2`` costs: on the rows that a batch reads, or on the whole table.

    batch:  strength / 2 * sum over the distinct ids j of the batch of ||w_j||^2 / n_j
    table:  strength / 2 * sum over all ids j of ||w_j||^2

A penalty on the whole table touches all of its rows in every step: exact, and what published
results usually rest on, but a step then costs as much as the vocabulary is large. The other one
touches what the batch touches anyway, each row once. With ``n_j`` the number of training rows that
hold id j it is DIN's mini-batch aware regularisation: over an epoch an id is met about ``n_j``
times at most, so its whole pull per epoch is about that of one step on the table. Without counts
``n_j`` is 1, and frequent ids are pulled more often.

Id 0 stands for padding and unknown, is never read, and is not penalised. The weights of crosses
(``CrossProduct``) are penalised alike: a pair of ids is then an id of its own.

Source: Zhou et al. 2018, "Deep Interest Network for Click-Through Rate Prediction", section 5.1,
equations 4 to 7 (the form with counts).
"""

import numpy as np
import tensorflow as tf

from recsys_lib.replicas import num_replicas, one_part, rows_of_replicas


def penalty_of_rows(strength, rows, weights, shares):
    """The penalty of the rows that a batch reads, each of them once.

    Args:
        strength: lambda.
        rows: integers of any shape, which row of the table stands at each place of the batch.
        weights: ``(*rows.shape, width)``, the rows themselves.
        shares: of the shape of ``rows``, ``1 / n_j``; 0 where nothing is penalised. Equal at all
            places of one row.

    Returns:
        A number, ``strength / 2 * sum over the distinct rows j of share_j ||w_j||^2``. Its
        gradient reaches ``weights`` and so stays row by row. Of several replicas each has the
        part of its own places, and a row is one row however many of them read it.
    """
    flat = tf.reshape(rows, [-1])
    position, in_batch = _places_of_rows(flat)
    # Each occurrence carries an equal part of its row's penalty, so that a row that comes up three
    # times in the batch is not pulled three times.
    parts = tf.cast(tf.gather(in_batch, position), weights.dtype)
    squares = tf.reshape(tf.reduce_sum(tf.square(weights), axis=-1), [-1])
    shares = tf.reshape(tf.cast(shares, weights.dtype), [-1])
    return 0.5 * strength * tf.reduce_sum(shares * squares / parts)


def penalty_of_table(strength, table, shares):
    """The penalty of all rows of a table ``(rows, width)`` with shares ``(rows,)``."""
    squares = tf.square(tf.convert_to_tensor(table))
    return one_part(0.5 * strength * tf.reduce_sum(shares[:, None] * squares))


def _places_of_rows(flat):
    """For each place which distinct row it reads, and for each such row at how many places."""
    if num_replicas() == 1:
        return tf.unique_with_counts(flat)[1:]
    # The own places stand in front, to find them, and again among those of all.
    (everywhere,) = rows_of_replicas(flat)
    _, position, count = tf.unique_with_counts(tf.concat([flat, everywhere], 0))
    own = position[: tf.size(flat)]
    return own, count - tf.math.unsorted_segment_sum(tf.ones_like(own), own, tf.size(count))


def shares_of(columns, id_counts):
    """``1 / n_j`` for every row of a fused table, 0 for id 0 and for tables without counts.

    Args:
        columns: id columns, one for each table, in the order in which the tables lie.
        id_counts: see ``EmbeddingL2``; None: ``n_j`` is 1 everywhere.

    Returns:
        ``(rows of all tables,)`` float32.

    Raises:
        ValueError: counts of another shape, below zero, or not finite.
    """
    parts = []
    for column in columns:
        size = column.vocabulary_size
        if id_counts is None:
            share = np.ones(size, np.float32)
        elif column.table_name not in id_counts:
            share = np.zeros(size, np.float32)
        else:
            counts = np.asarray(id_counts[column.table_name])
            usable = counts.shape == (size,) and np.isfinite(counts).all() and (counts >= 0).all()
            if not usable:
                raise ValueError(
                    f"id_counts, table {column.table_name!r}: expected {size} counts of 0 or more, "
                    f"got shape {counts.shape}" + (f" with {counts.min()}" if counts.size else "")
                )
            # An id that no training row holds counts as met once.
            share = (1 / np.maximum(counts, 1)).astype(np.float32)
        share[0] = 0.0
        parts.append(share)
    return np.concatenate(parts)
