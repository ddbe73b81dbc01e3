"""The numbers of the public tests on sequences, found by loops, slopes or counting."""

import numpy as np

from recsys_book.exercises import case
from recsys_lib.data import simulator


def unit_by_unit(inputs, attention, kernel, recurrent, bias):
    rows, units = len(inputs), len(recurrent)
    states = np.zeros((rows, units))
    for row in range(rows):
        for step, x in enumerate(inputs[row]):
            h = states[row].copy()
            for k in range(units):
                of_x = [x @ kernel[:, g * units + k] + bias[g * units + k] for g in range(3)]
                of_h = [h @ recurrent[:, g * units + k] for g in range(3)]
                u = attention[row, step] / (1 + np.exp(-of_x[0] - of_h[0]))
                r = 1 / (1 + np.exp(-of_x[1] - of_h[1]))
                states[row, k] = (1 - u) * h[k] + u * np.tanh(of_x[2] + r * of_h[2])
    return states


def listed(ids, num_ids, numbers, why):
    expected = np.zeros(ids.shape, int)
    for cell in np.ndindex(ids.shape):
        if ids[cell]:
            others = [i for i in range(1, num_ids + 1) if i != ids[cell]]
            expected[cell] = others[int(numbers[cell] * len(others))]
    return case(ids, num_ids, numbers, expected=expected, why=why)


def negative_ids_apart(ids, num_ids, numbers):
    return listed(ids, num_ids, numbers, "").expected


def by_recursion(attention, gates, why):
    steps, weights = len(attention), []
    for one in range(steps):
        state = 0.0
        for step in range(steps):
            write = attention[step] * gates[step]
            state = (1 - write) * state + write * float(step == one)
        weights.append(state)
    return case(attention, gates, expected=np.array(weights), why=why)


def augru_shares_apart(attention, gates):
    return by_recursion(attention, gates, "").expected


def drawn_loss(num_categories, per_category):
    draw = np.random.default_rng(10)
    num_items, steps = num_categories * per_category, 200_000
    category = draw.integers(0, num_categories, steps)
    positive = category * per_category + draw.integers(0, per_category, steps)
    negative = draw.integers(0, num_items - 1, steps)
    negative += negative >= positive
    inside = np.mean(negative // per_category == category)
    # The best answer for an item of the known category is how often it is the positive.
    best = np.clip(1 / (1 + inside), 1e-12, 1 - 1e-12)
    return -np.log(best) - inside * np.log(1 - best)


def one_by_one(time, gap, why):
    sessions = []
    for step, moment in enumerate(time):
        if step == 0 or moment - time[step - 1] > gap:
            sessions.append(0)
        sessions[-1] += 1
    total = len(sessions)
    numbers = [total - place for place, size in enumerate(sessions) for _ in range(size)]
    return case(np.array(time), gap, expected=np.array(numbers, int), why=why)


def session_division_apart(time, gap):
    return one_by_one(time, gap, "").expected


def means_of_sessions(steps, mask):
    means = np.zeros((*mask.shape[:2], steps.shape[3]))
    for place in np.ndindex(*mask.shape[:2]):
        real = [step for step, there in zip(steps[place], mask[place], strict=True) if there]
        means[place] = np.sum(real, axis=0) / len(real) if real else 0.0
    return means


def count_arrays(num_sessions, steps, width):
    shapes = [(num_sessions, 1, 1), (steps, 1), (width,)]
    shapes += 4 * [(width, width)] + 2 * [(width, width), (width,)] + 4 * [(width,)]
    gates = 4 * (width // 2)
    shapes += 2 * [(width, gates), (width // 2, gates), (gates,)]
    shapes += 2 * [(width, width)]
    return float(sum(np.zeros(shape).size for shape in shapes))


def run_attention(real, empty, width):
    x = np.concatenate([np.ones((real, width)), np.zeros((empty, width))])
    scores = x @ x.T / np.sqrt(width)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return float(shares[0, real:].sum())


def counted_back(history, candidate, category, why):
    expected = []
    for row, item in zip(history, candidate, strict=True):
        real = [step for step in row if step != 0]
        found = 0
        for back, step in enumerate(reversed(real), start=1):
            if category[step] == category[item]:
                found = back
                break
        expected.append(found)
    arrays = (np.array(history), np.array(candidate), np.array(category))
    return case(*arrays, expected=np.array(expected), why=why)


def steps_since_apart(history, candidate, category):
    return counted_back(history, candidate, category, "").expected


def tried_one_by_one(categories, probability, why):
    missed, positions = 1.0, 0
    while missed > 1 - probability + 1e-12:
        missed, positions = missed * (categories - 1) / categories, positions + 1
    return case(categories, probability, expected=positions, why=why)


def positions_needed_apart(categories, probability):
    return tried_one_by_one(categories, probability, "").expected


def averaged(n, longest, why):
    shares = [min(length, n) / n for length in range(1, longest + 1)]
    return case(n, longest, expected=float(np.mean(shares)), why=why)


def share_of_current_apart(n, longest):
    return averaged(n, longest, "").expected


def counted_by_walking(steps, sessions, candidates, why):
    scored = range(candidates)
    total = {"GRU": sum(1 for _ in range(steps)), "DIN": 0, "DIEN": 0, "DSIN": 0}
    total["DIEN"] = total["GRU"] + sum(1 for _ in scored for _ in range(steps))
    total["DSIN"] = sum(1 for _ in range(sessions) for _ in ("forward", "backward"))
    chain = {"GRU": steps, "DIN": 0, "DIEN": steps + steps, "DSIN": sessions}
    expected = {name: (total[name], chain[name]) for name in total}
    return case(steps, sessions, candidates, expected=expected, why=why)


def request_cost_apart(steps, sessions, candidates):
    return counted_by_walking(steps, sessions, candidates, "").expected


def sets_compared(history, others, why):
    expected = []
    for row, other in zip(history, others, strict=True):
        real, theirs = [i for i in row if i], {i for i in other if i}
        expected.append(sum(i in theirs for i in real) / len(real) if real else 0.0)
    return case(np.array(history), np.array(others), expected=np.array(expected), why=why)


def history_overlap_apart(history, others):
    return sets_compared(history, others, "").expected


def from_covariance(number, sd, correlation, why):
    covariance = sd**2 * (correlation + (1 - correlation) * np.eye(number))
    return case(number, sd, correlation, expected=float(np.sqrt(covariance.sum())), why=why)


def loud_sum_apart(number, sd, correlation):
    return from_covariance(number, sd, correlation, "").expected


def tried_upwards(users, half_width, wanted, why):
    enough = 1
    while half_width * (users / enough) ** 0.5 > wanted * (1 + 1e-12):
        enough += 1
    return case(users, half_width, wanted, expected=enough, why=why)


def users_needed_apart(users, half_width, wanted):
    return tried_upwards(users, half_width, wanted, "").expected


def nearest_one_by_one(behaviours, candidate, directions, ids, k):
    found = np.full((len(ids), k), -1)
    for row, steps in enumerate(ids):
        near = []
        for step in np.flatnonzero(steps):
            differing = 0
            for h in directions.T:
                differing += (behaviours[row, step] @ h >= 0) != (candidate[row] @ h >= 0)
            near.append((differing, -step))
        near = [-step for _, step in sorted(near)][:k]
        found[row, : len(near)] = near
    return found


def bits_tried(near, far, many):
    bits = 1
    while (1 - near / np.pi) ** bits < many * (1 - far / np.pi) ** bits:
        bits += 1
    return bits


def searched_on_the_platform(across, relevant, k):
    sizes = {"num_rows": 2, "num_valid_rows": 2, "num_test_rows": 3_000, "candidates": 1}
    sizes |= {"history_length": 120, "short_length": 60, "own_share": 1.0, "seed": 3}
    world = simulator.long_history(**sizes, across=across, relevant=relevant)
    matters, recall = simulator.relevant_steps(world, world.test), []
    for row, category in enumerate(world.test.features["category"]):
        found = np.flatnonzero(world.test.features["history_category"][row] == category)[-k:]
        recall.append(matters[row, found].sum() / matters[row].sum())
    return np.mean(recall)


ANSWERS = {
    "sequence.augru_path": unit_by_unit,
    "sequence.negative_ids": negative_ids_apart,
    "sequence.augru_shares": augru_shares_apart,
    "sequence.auxiliary_floor": drawn_loss,
    "sequence.session_division": session_division_apart,
    "sequence.session_mean": means_of_sessions,
    "sequence.session_parameters": count_arrays,
    "sequence.session_leak": run_attention,
    "sequence.steps_since": steps_since_apart,
    "sequence.positions_needed": positions_needed_apart,
    "sequence.share_of_current": share_of_current_apart,
    "sequence.request_cost": request_cost_apart,
    "sequence.history_overlap": history_overlap_apart,
    "sequence.loud_sum": loud_sum_apart,
    "sequence.users_needed": users_needed_apart,
    "sequence.hash_search": nearest_one_by_one,
    "sequence.bits_needed": bits_tried,
    "sequence.hard_recall": searched_on_the_platform,
}
