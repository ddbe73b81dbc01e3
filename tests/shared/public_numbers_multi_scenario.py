"""The numbers of the public tests on several scenarios, found by loops, slopes or counting."""

import numpy as np


def by_scenario_row_by_row(x, scenario, kernels, biases):
    return np.array(
        [row @ kernels[s - 1] + biases[s - 1] for row, s in zip(x, scenario, strict=True)]
    )


def measured_price(size, p_small, p_large, rows=400_000):
    draw = np.random.default_rng(6)
    is_small = draw.random(rows) < size
    clicked = draw.random(rows) < np.where(is_small, p_small, p_large)
    q = clicked.mean()  # the log loss of one number for all rows is lowest at the mean
    own = clicked[is_small]
    return own.mean() * np.log(p_small / q) + (1 - own.mean()) * np.log((1 - p_small) / (1 - q))


def by_differences(weight_logits, scores, ids, deltas, step=1e-5):
    """The own score and all weight logits moved a little to both sides, row by row."""

    def logit(u, s):
        powers = np.exp(u - u.max())
        return powers @ s / powers.sum()

    of_scores, of_logits = np.zeros(scores.shape), np.zeros(scores.shape)
    for row, (u, s) in enumerate(zip(weight_logits, scores, strict=True)):
        for j, move in enumerate(step * np.eye(len(s))):
            of_logits[row, j] = (logit(u + move, s) - logit(u - move, s)) / (2 * step)
            if j == ids[row] - 1:
                of_scores[row, j] = (logit(u, s + move) - logit(u, s - move)) / (2 * step)
    return deltas[:, None] * of_scores, deltas[:, None] * of_logits


def measured_speed(own_weight, count=6):
    ring = own_weight * np.eye(count)
    for t in range(count):
        for neighbour in ((t - 1) % count, (t + 1) % count):
            ring[t, neighbour] += (1 - own_weight) / 2
    targets = np.resize([1.0, -1.0], count)
    state = 0.5 * targets  # anywhere on the pattern
    change = own_weight * (targets - ring @ state)
    return float((1 - change[0] / own_weight) / 0.5)


def played(first, second, steps, rate):
    scores = np.zeros(2)
    for _ in range(steps):
        scores = scores + rate * 0.5 * (np.array([first, second]) - scores.mean())
    return float(abs(scores[0] - scores[1]))


def by_following(momentum, size, batch_size, steps, runs=4_000):
    generator = np.random.default_rng(0)
    occurs = generator.binomial(batch_size, size, size=(runs, steps)) > 0
    return (momentum ** occurs.sum(axis=1)).mean()


def star_row_by_row(x, ids, shared, own, bias, own_bias):
    outputs = np.empty((len(x), len(bias)))
    for b, unit in np.ndindex(outputs.shape):
        total = bias[unit] + (own_bias[ids[b] - 1, unit] if ids[b] else 0)
        for i in range(len(shared)):
            factor = own[ids[b] - 1, i, unit] if ids[b] else 1
            total += x[b, i] * shared[i, unit] * factor
        outputs[b, unit] = total
    return outputs


def one_by_one(x, hidden, hidden_bias, outer, outer_bias, num_tasks, gamma=2.0):
    units = len(outer_bias) // num_tasks
    factors = np.zeros((len(x), num_tasks, units))
    for b, t, u in np.ndindex(factors.shape):
        inner = [max(0, x[b] @ hidden[:, j] + hidden_bias[j]) for j in range(len(hidden_bias))]
        z = inner @ outer[:, t * units + u] + outer_bias[t * units + u]
        factors[b, t, u] = gamma / (1 + np.exp(-z))
    return factors


def scaled_number_by_number(v, x, hidden, hidden_bias, outer, outer_bias):
    rows = np.zeros(x.shape)
    for b, j in np.ndindex(x.shape):
        read = [*v[b], *x[b]]
        inner = [max(0, read @ hidden[:, u] + hidden_bias[u]) for u in range(len(hidden_bias))]
        rows[b, j] = x[b, j] * 2 / (1 + np.exp(-(inner @ outer[:, j] + outer_bias[j])))
    return rows


def slopes_of_embedding(embedding, gate, jacobian, delta, detached, step=1e-5):
    """Of a loss that is linear in the gated embedding, with a gate that is linear in it."""

    def loss(moved):
        moved_gate = gate if detached else gate + jacobian @ (moved - embedding)
        return np.sum(delta * moved_gate * moved)

    moves = step * np.eye(len(embedding))
    slopes = [(loss(embedding + move) - loss(embedding - move)) / (2 * step) for move in moves]
    return np.array(slopes)


def pepnet_signal_measured(gamma, num_hidden):
    draw = np.random.default_rng(num_hidden)
    plain = gated = draw.normal(size=(50, 6))
    gated = gamma / 2 * gated
    for _ in range(num_hidden):
        kernel = draw.normal(size=(6, 6))
        plain = np.maximum(0, plain @ kernel)
        gated = gamma / 2 * np.maximum(0, gated @ kernel)
    last = draw.normal(size=6)
    return np.std(gated @ last) / np.std(plain @ last)


def generated_product_row_by_row(x, condition, maps, start):
    outputs = []
    for row, weights in zip(x, condition, strict=True):
        matrix = start.copy()
        for weight, of_map in zip(weights, maps, strict=True):
            matrix = matrix + weight * of_map
        outputs.append(row @ matrix)
    return np.array(outputs)


def through_whole_matrices(x, k, w_in, maps, start, w_out, b):
    outputs = []
    for row, weights in zip(x, k, strict=True):
        core = start.copy()
        for weight, of_map in zip(weights, maps, strict=True):
            core = core + weight * of_map
        whole = w_out @ core @ w_in
        outputs.append([max(0.0, unit @ row + bias) for unit, bias in zip(whole, b, strict=True)])
    return np.array(outputs)


def slopes_of_maps(x, condition, deltas, step=1e-4):
    """Of a loss that is linear in the outputs, with these gradients."""

    def loss(maps):
        return np.sum(
            deltas * np.einsum("bi,bio->bo", x, np.einsum("bk,kio->bio", condition, maps))
        )

    shape = (condition.shape[1], x.shape[1], deltas.shape[1])
    slopes = np.zeros(shape)
    for place in np.ndindex(*shape):
        move = np.zeros(shape)
        move[place] = step
        slopes[place] = (loss(move) - loss(-move)) / (2 * step)
    return slopes


def measured_rank(num_scenarios, rank, width):
    draw = np.random.default_rng(3)
    matrices = [
        draw.normal(size=(width, rank)) @ draw.normal(size=(rank, width))
        for _ in range(num_scenarios)
    ]
    # U must span the columns of all of them, V the rows.
    columns = np.linalg.matrix_rank(np.concatenate(matrices, axis=1))
    return max(columns, np.linalg.matrix_rank(np.concatenate(matrices, axis=0)))


ANSWERS = {
    "multi_scenario.by_scenario": by_scenario_row_by_row,
    "multi_scenario.price_of_drowning": measured_price,
    "multi_scenario.hmoe_gradients": by_differences,
    "multi_scenario.hmoe_speed": measured_speed,
    "multi_scenario.hmoe_drift": played,
    "multi_scenario.star_layer": star_row_by_row,
    "multi_scenario.star_start_left": by_following,
    "multi_scenario.pepnet_embeddings": scaled_number_by_number,
    "multi_scenario.pepnet_gate": one_by_one,
    "multi_scenario.pepnet_gradient": slopes_of_embedding,
    "multi_scenario.pepnet_signal": pepnet_signal_measured,
    "multi_scenario.generated_product": generated_product_row_by_row,
    "multi_scenario.apg_layer": through_whole_matrices,
    "multi_scenario.maps_gradient": slopes_of_maps,
    "multi_scenario.needed_rank": measured_rank,
}
