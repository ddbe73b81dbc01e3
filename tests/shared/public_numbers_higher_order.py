"""The numbers of the public tests on higher-order crosses, found by loops, slopes or counting."""

import numpy as np


def one_row(x0, weights, biases):
    x = [float(value) for value in x0]
    for layer in range(len(weights)):
        number = sum(x[k] * weights[layer][k] for k in range(len(x)))
        x = [x0[k] * number + biases[layer][k] + x[k] for k in range(len(x))]
    return x


def dcn_network_apart(first, weights, biases):
    return np.array([one_row(row, weights, biases) for row in first])


def dcn_scalars_measured(first, weights, biases):
    """alpha and beta from the output itself."""
    x = first
    for layer in range(len(weights)):
        x = np.einsum("bi,bj,j->bi", first, x, weights[layer]) + biases[layer] + x
    total = biases.sum(axis=0)
    return (x - total)[:, 0] / first[:, 0], total


def mixture_by_experts(x, c, gate, inner, outer, bias):
    """A layer of DCN-Mix: for each row the mean of its experts' layers, weighed by the gate."""
    result = []
    for row, came in zip(x, c, strict=True):
        sizes = np.exp(came @ gate)
        layers = [
            row * (right @ (left.T @ came) + bias) for left, right in zip(inner, outer, strict=True)
        ]
        result.append(np.average(layers, axis=0, weights=sizes) + came)
    return np.array(result)


def measured_degree(num_layers, factor):
    draw = np.random.default_rng(num_layers)
    x0 = [np.poly1d([value, 0.0]) for value in draw.uniform(1, 2, 3)]  # t x_0, one per component
    older, current = x0, x0
    for _layer in range(num_layers):
        w = draw.uniform(0.5, 1, 3)
        number = sum((current[k] * w[k] for k in range(3)), np.poly1d([0.0]))
        chosen = {"first": x0, "current": current, "previous": older}[factor]
        older, current = current, [chosen[k] * number + current[k] for k in range(3)]
    return max(polynomial.order for polynomial in current)


def maps_by_loops(fields, maps, weights):
    new = np.zeros((len(fields), len(weights), fields.shape[2]))
    for h, i, j in np.ndindex(*weights.shape):
        new[:, h] += weights[h, i, j] * maps[:, i] * fields[:, j]
    return new, np.array([[row[h].sum() for h in range(len(weights))] for row in new])


def cin_scale_drawn(s, dim, depth, num_fields=150, num_maps=20, repeats=10):
    draw, squares = np.random.default_rng(9), []
    for _ in range(repeats):
        fields = s * draw.normal(size=(num_fields, dim))
        maps = fields
        for _ in range(depth):
            scale = (len(maps) * num_fields) ** -0.5
            weights = scale * draw.normal(size=(num_maps, len(maps) * num_fields))
            maps = weights @ (maps[:, None] * fields[None]).reshape(-1, dim)
        squares.append(np.mean(maps.sum(axis=1) ** 2))
    return np.mean(squares) ** 0.5


def attended_by_loops(fields, query, key, value, residual, num_heads):
    batch, num_fields, _ = fields.shape
    width = query.shape[1] // num_heads
    attention = np.zeros((batch, num_heads, num_fields, num_fields))
    new = np.zeros((batch, num_fields, num_heads * width))
    for b, h, m in np.ndindex(batch, num_heads, num_fields):
        part = slice(h * width, (h + 1) * width)
        asked = fields[b, m] @ query[:, part]
        scores = np.exp([asked @ (fields[b, k] @ key[:, part]) for k in range(num_fields)])
        for k in range(num_fields):
            attention[b, h, m, k] = scores[k] / scores.sum()
            new[b, m, part] += attention[b, h, m, k] * (fields[b, k] @ value[:, part])
    for b, m in np.ndindex(batch, num_fields):
        new[b, m] = np.maximum(0, new[b, m] + fields[b, m] @ residual)
    return attention, new


def blind_attention_apart(fields, value, residual):
    return attended_by_loops(fields, 0 * value, 0 * value, value, residual, 1)[1]


def coefficients(order, factor, start=0.02, networks=6):
    """Root mean square coefficient of one order in untrained layers on all rows of six signs."""
    rows = 2.0 * (np.arange(64)[:, None] >> np.arange(6) & 1) - 1
    subsets = [s for s in range(64) if s.bit_count() == order]
    products = np.stack([rows[:, (s >> np.arange(6) & 1) == 1].prod(axis=1) for s in subsets])
    squares = []
    for seed in range(networks):
        draw = np.random.default_rng(seed)
        fields = factor * rows[:, :, None] * draw.uniform(-start, start, (6, 8))
        query, key, value, residual = draw.uniform(-0.6, 0.6, (4, 8, 8))
        scores = np.exp((fields @ query) @ (fields @ key).transpose(0, 2, 1))
        mixed = scores / scores.sum(axis=-1, keepdims=True) @ (fields @ value)
        new = np.maximum(0, mixed + fields @ residual)
        squares.append(np.mean((products @ new.reshape(64, -1) / 64) ** 2))
    return np.mean(squares) ** 0.5


def autoint_start_measured(order, factor):
    return coefficients(order, factor) / coefficients(order, 1.0)


def gated_by_numbers(x, layers):
    outputs = []
    for row in x:
        current = [float(value) for value in row]
        for kernel, offsets, of_gate in layers:
            found = []
            for out in range(len(row)):
                crossed = sum(c * kernel[k, out] for k, c in enumerate(current)) + offsets[out]
                asked = sum(c * of_gate[k, out] for k, c in enumerate(current))
                found.append(row[out] * crossed / (1 + np.exp(-asked)) + current[out])
            current = found
        outputs.append(current)
    return np.array(outputs)


def standardized(numbers):
    centred = numbers - np.mean(numbers)
    return centred / np.sqrt(np.mean(centred**2) + 1e-5)


def masked_row_by_row(vectors, inside, outside, kernel, gain, offset):
    outputs = []
    for row in vectors:
        x = np.concatenate(list(row))
        between = [
            max(0.0, float(np.dot(x, w)) + b) for w, b in zip(inside[0].T, inside[1], strict=True)
        ]
        mask = [
            float(np.dot(between, w)) + b for w, b in zip(outside[0].T, outside[1], strict=True)
        ]
        hidden = np.concatenate([standardized(vector) for vector in row])
        sums = standardized(sum(m * h * k for m, h, k in zip(mask, hidden, kernel, strict=True)))
        outputs.append([max(0.0, g * s + o) for g, s, o in zip(gain, sums, offset, strict=True)])
    return np.array(outputs)


def fused_heads_counted(first, second, heads):
    """Places of a matrix whose two numbers stand in equal heads, weights and a bias."""
    of_first, of_second = np.arange(first) * heads // first, np.arange(second) * heads // second
    return int(np.sum(of_first[:, None] == of_second[None])) + first + second + 1


ANSWERS = {
    "higher_order.dcn_network": dcn_network_apart,
    "higher_order.dcn_scalars": dcn_scalars_measured,
    "higher_order.dcn_mix": mixture_by_experts,
    "higher_order.dcn_degree": measured_degree,
    "higher_order.cin_layer": maps_by_loops,
    "higher_order.cin_scale": cin_scale_drawn,
    "higher_order.interacting_layer": attended_by_loops,
    "higher_order.blind_attention": blind_attention_apart,
    "higher_order.autoint_start": autoint_start_measured,
    "higher_order.gated_cross": gated_by_numbers,
    "higher_order.instance_mask": masked_row_by_row,
    "higher_order.fused_heads": fused_heads_counted,
}
