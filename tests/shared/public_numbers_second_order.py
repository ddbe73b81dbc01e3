"""The numbers of the public tests on second-order crosses, found by loops, slopes or counting."""

import itertools

import numpy as np

from recsys_book.exercises import case


def pair_by_pair(values, vectors):
    pairs = itertools.combinations(range(values.shape[1]), 2)
    return sum(vectors[i] @ vectors[j] * values[:, i] * values[:, j] for i, j in pairs)


def double_sum(x, vectors):
    pairs = itertools.combinations(range(len(x)), 2)
    return sum(vectors[i] @ vectors[j] * x[i] * x[j] for i, j in pairs)


def by_differences(x, vectors, why, step=1e-4):
    slopes = np.empty(vectors.shape)
    for cell in np.ndindex(vectors.shape):
        moved = np.zeros(vectors.shape)
        moved[cell] = step
        slopes[cell] = double_sum(x, vectors + moved) - double_sum(x, vectors - moved)
    return case(x, vectors, expected=slopes / (2 * step), why=why)


def fm_gradient_apart(x, vectors):
    return by_differences(x, vectors, "").expected


def logits(user_vectors, item_vectors, item_weights):
    """Every pair of features one by one, without the user's first-order weights."""
    scores = []
    for vectors, weights in zip(item_vectors, item_weights, strict=True):
        together = [*user_vectors, *vectors]
        scores.append(sum(a @ b for a, b in itertools.combinations(together, 2)) + weights.sum())
    return np.array(scores)


def against_the_first(user_vectors, item_vectors, item_weights):
    scores = logits(user_vectors, item_vectors, item_weights)
    return np.append(scores - scores[0], 1.0)


def planted_rank(num_pairs, rank, num_ids):
    draw = np.random.default_rng(11)
    table = np.zeros((num_pairs * num_ids, num_pairs * num_ids))
    for pair in range(num_pairs):
        block = slice(pair * num_ids, (pair + 1) * num_ids)
        first, second = draw.normal(size=(2, num_ids, rank))
        table[block, block] = first @ second.T
    return np.linalg.matrix_rank(table)


def pooled_by_hand(fields, scores, present):
    pooled = np.zeros((len(fields), fields.shape[2]))
    for row, here in enumerate(present):
        there = np.flatnonzero(here)
        pairs = [(i, j) for i in there for j in there if i < j]
        if not pairs:
            continue
        top = max(scores[row, i, j] for i, j in pairs)
        total = sum(np.exp(scores[row, i, j] - top) for i, j in pairs)
        for i, j in pairs:
            weight = np.exp(scores[row, i, j] - top) / total
            pooled[row] += weight * fields[row, i] * fields[row, j]
    return pooled


def pooled_score(hidden, terms, h):
    raised = np.exp(hidden @ h - (hidden @ h).max())
    return raised @ terms / raised.sum()


def slopes_of_h(hidden, terms, h, step=1e-5):
    moves = step * np.eye(len(h))
    ups = [pooled_score(hidden, terms, h + move) for move in moves]
    downs = [pooled_score(hidden, terms, h - move) for move in moves]
    return (np.array(ups) - np.array(downs)) / (2 * step)


def afm_lead_searched(num_pairs, share):
    low, high = -50.0, 50.0
    while high - low > 1e-6:
        scores = np.zeros(num_pairs)
        scores[0] = (low + high) / 2
        powers = np.exp(scores - np.max(scores))
        if powers[0] / np.sum(powers) < share:
            low = scores[0]
        else:
            high = scores[0]
    return low


def explicit(vectors, values, present):
    total = np.zeros((len(vectors), vectors.shape[2]))
    for row in range(len(vectors)):
        there = np.flatnonzero(present[row])
        for i in there:
            for j in there[there > i]:
                product = values[row, i] * values[row, j]
                total[row] += product * vectors[row, i] * vectors[row, j]
    return total


def loss_of(fields, upstream):
    total = 0.0
    for i in range(fields.shape[1]):
        for j in range(i):
            total += np.sum(upstream * fields[:, i] * fields[:, j])
    return total


def slopes(fields, upstream, step=1e-4):
    result = np.zeros_like(fields)
    for place in np.ndindex(fields.shape):
        move = np.zeros_like(fields)
        move[place] = step
        result[place] = loss_of(fields + move, upstream) - loss_of(fields - move, upstream)
    return result / (2 * step)


def nfm_start_measured(num_fields, half_width, repeats=400_000):
    draw = np.random.default_rng(5)
    fields = draw.uniform(-half_width, half_width, (repeats, num_fields))
    return np.std(0.5 * (fields.sum(axis=1) ** 2 - (fields**2).sum(axis=1)))


def over_pairs(flat, theta, width):
    """The sum over all pairs, unit by unit."""
    signal = np.zeros((len(flat), len(theta)))
    for row, numbers in enumerate(flat):
        f = [numbers[width * i : width * (i + 1)] for i in range(theta.shape[1])]
        for n, weights in enumerate(theta):
            for i, left in enumerate(f):
                for j, right in enumerate(f):
                    signal[row, n] += weights[i] * weights[j] * np.dot(left, right)
    return signal


def pnn_inner_signal_apart(flat, theta):
    return over_pairs(flat, theta, flat.shape[1] // theta.shape[1])


def all_pairs(fields, kernel):
    return sum(np.sum(kernel * np.outer(f, g)) for f in fields for g in fields)


def pnn_outer_signal_apart(vectors, matrices):
    return np.array([[all_pairs(v, matrix) for matrix in matrices] for v in vectors])


def measured_case(fields, kernel, why="", step=1e-5):
    gradient = np.zeros_like(fields)
    for place in np.ndindex(fields.shape):
        move = np.zeros_like(fields)
        move[place] = step
        slope = all_pairs(fields + move, kernel) - all_pairs(fields - move, kernel)
        gradient[place] = slope / (2 * step)
    return case(fields, kernel, expected=(all_pairs(fields, kernel), gradient), why=why)


def pnn_outer_gradient_apart(fields, kernel):
    return measured_case(fields, kernel).expected


def fitted_share(num_fields, width, seed, rows=3_000, worlds=300):
    """Least squares on the products of the sum, averaged over worlds of random matrices."""
    draw = np.random.default_rng(seed)
    size = num_fields * width
    x = draw.normal(size=(rows, size))
    products = (x[:, :, None] * x[:, None, :]).reshape(rows, -1)
    signals = products @ draw.normal(size=(size * size, worlds))  # a column per world
    total = x.reshape(rows, num_fields, width).sum(axis=1)
    left, right = np.triu_indices(width)
    inputs = np.column_stack([total[:, left] * total[:, right], np.ones(rows)])
    rest = signals - inputs @ np.linalg.lstsq(inputs, signals, rcond=None)[0]
    return np.mean(1 - rest.var(axis=0) / signals.var(axis=0))


def pnn_explained_apart(num_fields, width):
    return fitted_share(num_fields, width, seed=7)


def gated(first, second, gate_first, gate_second, matrix):
    return ((gate_first * first) @ matrix) * (gate_second * second)


def fold_gates_found(gates, kernel):
    """The matrices, by feeding unit vectors: element (d, e) answers to units d and e."""
    pairs = [(i, j) for i in range(len(gates)) for j in range(i + 1, len(gates))]
    units = np.eye(kernel.shape[1])
    matrices = [
        [[gated(d, e, gates[i], gates[j], kernel[p]).sum() for e in units] for d in units]
        for p, (i, j) in enumerate(pairs)
    ]
    return np.array(matrices)


def dead_gates_counted(units, num_fields=12, networks=400, rows=3_000):
    draw = np.random.default_rng(9)
    means = draw.normal(size=(rows, num_fields))
    dead = 0
    for _ in range(networks):
        middle = np.maximum(0, means @ draw.uniform(-1, 1, (num_fields, units)))
        gates = middle @ draw.uniform(-1, 1, (units, num_fields))
        dead += (gates.max(axis=0) <= 0).sum()
    return dead / (networks * num_fields)


def deepfm_start_drawn(num_fields, dim, scale):
    vectors = np.random.default_rng(7).uniform(-scale, scale, (60_000, num_fields, dim))
    squares = (vectors.sum(axis=1) ** 2).sum(axis=1) - (vectors**2).sum(axis=(1, 2))
    return (squares / 2).std()


def row_logits(rows, table, kernel, offsets, output):
    fields = table[rows]
    logits = np.maximum(0, fields.reshape(len(rows), -1) @ kernel + offsets) @ output
    for i in range(rows.shape[1]):
        for j in range(i):
            logits = logits + (fields[:, i] * fields[:, j]).sum(axis=1)
    return logits


def table_slopes(rows, table, kernel, offsets, output, error, step=1e-6):
    slopes = np.zeros_like(table)
    for place in np.ndindex(table.shape):
        move = np.zeros_like(table)
        move[place] = step
        up, down = (row_logits(rows, table + s * move, kernel, offsets, output) for s in (1, -1))
        slopes[place] = np.mean(error * (up - down)) / (2 * step)
    return slopes


ANSWERS = {
    "second_order.fm_weighted": pair_by_pair,
    "second_order.fm_gradient": fm_gradient_apart,
    "second_order.fm_retrieval": against_the_first,
    "second_order.fm_width": planted_rank,
    "second_order.afm_pooling": pooled_by_hand,
    "second_order.afm_gradient": slopes_of_h,
    "second_order.afm_lead": afm_lead_searched,
    "second_order.nfm_pooling": explicit,
    "second_order.nfm_gradient": slopes,
    "second_order.nfm_start": nfm_start_measured,
    "second_order.pnn_inner_signal": pnn_inner_signal_apart,
    "second_order.pnn_outer_signal": pnn_outer_signal_apart,
    "second_order.pnn_outer_gradient": pnn_outer_gradient_apart,
    "second_order.pnn_explained": pnn_explained_apart,
    "second_order.fold_gates": fold_gates_found,
    "second_order.dead_gates": dead_gates_counted,
    "second_order.deepfm_start": deepfm_start_drawn,
    "second_order.deepfm_shared_gradient": table_slopes,
}
