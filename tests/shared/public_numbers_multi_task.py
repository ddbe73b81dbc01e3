"""The numbers of the public tests on several tasks, found by loops, slopes or counting."""

import numpy as np


def losses_of(features, labels, bottom, towers, biases):
    z = np.einsum("ni,ik,tk->nt", features, bottom, towers) + biases
    return np.mean(np.logaddexp(0, z) - labels * z, axis=0)


def slopes(features, labels, bottom, towers, biases, step=1e-5):
    found = np.zeros((len(towers), *bottom.shape))
    for i, k in np.ndindex(*bottom.shape):
        move = np.zeros_like(bottom)
        move[i, k] = step
        up = losses_of(features, labels, bottom + move, towers, biases)
        down = losses_of(features, labels, bottom - move, towers, biases)
        found[:, i, k] = (up - down) / (2 * step)
    return found


def stepped_apart(gradients, weights, rate):
    """Losses that are linear in the parameters, so that first order is all there is."""
    end = np.zeros(gradients.shape[1])
    for task, gradient in enumerate(gradients):
        end -= rate * weights[task] * gradient
    return np.array([float(gradient @ end) for gradient in gradients])


ANGLES = np.linspace(0, np.pi, 200_001)


def tried(cosine, weight_1, weight_2):
    first = np.cos(ANGLES) ** 2
    second = np.cos(ANGLES - np.arccos(cosine)) ** 2
    return first[np.argmax(weight_1 * first + weight_2 * second)]


def by_loops(x, gate_weights, experts):
    rows = []
    for row, outputs in zip(x, experts, strict=True):
        of_tasks = []
        for matrix in gate_weights:
            powers = np.array([np.exp(sum(row * matrix[:, k])) for k in range(len(outputs))])
            of_tasks.append(sum(powers[k] / powers.sum() * outputs[k] for k in range(len(outputs))))
        rows.append(of_tasks)
    return np.array(rows)


def slopes_of_experts(gates, deltas, step=1e-4):
    """Of losses that are linear in the mixtures, with these gradients."""

    def losses(experts):
        mixed = np.einsum("btk,bku->btu", np.repeat(gates, len(deltas) // len(gates), 0), experts)
        return np.sum(deltas * mixed)

    shape = (len(deltas), gates.shape[2], deltas.shape[2])
    slopes = np.zeros(shape)
    for place in np.ndindex(shape):
        move = np.zeros(shape)
        move[place] = step
        slopes[place] = (losses(move) - losses(-move)) / (2 * step)
    return slopes


def measured_share(correlation):
    agreeing, conflicting = np.random.default_rng(4).normal(size=(2, 40_000))
    shared, opposed = np.sqrt((1 + correlation) / 2), np.sqrt((1 - correlation) / 2)
    click, like = (
        shared * agreeing + opposed * conflicting,
        shared * agreeing - opposed * conflicting,
    )
    slope = (click @ like) / (click @ click)
    return 1 - np.var(like - slope * click) / np.var(like)


def by_building(num_tasks, num_levels):
    task_gate = np.hstack([np.eye(num_tasks), np.ones((num_tasks, 1))]) / 2
    level = np.vstack([task_gate, np.full((1, num_tasks + 1), 1 / (num_tasks + 1))])
    streams = np.eye(num_tasks + 1)  # experts of level 1, as seen from each stream
    for _ in range(num_levels):
        streams = level @ streams
    return streams[0, 1]


def loss_at(p, z, y):
    both = p / (1 + np.exp(-z))
    return -y * np.log(both) - (1 - y) * np.log(1 - both)


def slopes_by_logit(p, c, y, step=1e-5):
    z = np.log(c / (1 - c))
    return (loss_at(p, z + step, y) - loss_at(p, z - step, y)) / (2 * step)


def esmm_selection_counted(p_first, p_second, c_first, c_second, num_rows=1_000_000):
    draw = np.random.default_rng(5)
    kind = draw.integers(0, 2, num_rows)
    clicked = draw.random(num_rows) < np.array([p_first, p_second])[kind]
    would_convert = draw.random(num_rows) < np.array([c_first, c_second])[kind]
    return would_convert[clicked].mean() / would_convert.mean()


def log_variance_searched(a, b, loss):
    low, high = -40.0, 40.0
    for _ in range(300):  # a convex function: narrow the interval from both sides
        first, second = low + (high - low) / 3, high - (high - low) / 3
        if a * np.exp(-first) * loss + b * first < a * np.exp(-second) * loss + b * second:
            high = second
        else:
            low = first
    return np.array([low, a * np.exp(-low)])


def by_differences(weights, norms, losses, first_losses, alpha, rate):
    tasks = range(len(weights))
    mean_pull = sum(weights[i] * norms[i] for i in tasks) / len(weights)
    mean_left = sum(losses[i] / first_losses[i] for i in tasks) / len(weights)
    aims = [mean_pull * (losses[i] / first_losses[i] / mean_left) ** alpha for i in tasks]
    stepped = []
    for i in tasks:
        up, down = (abs((weights[i] + move) * norms[i] - aims[i]) for move in (1e-6, -1e-6))
        stepped.append(weights[i] - rate * (up - down) / 2e-6)
    return np.array(stepped) * len(weights) / sum(stepped)


def on_a_line(first, second, bound_1, bound_2):
    """Every weight of the first task, in steps of 5e-6, and the least length."""
    own = np.linspace(bound_1, 1 - bound_2, 200_001)
    lengths = np.sqrt(
        own**2 * (first @ first)
        + 2 * own * (1 - own) * (first @ second)
        + (1 - own) ** 2 * (second @ second)
    )
    best = own[np.argmin(lengths)]
    return np.array([best, 1 - best])


def settled(norm_1, norm_2, rate_1, alpha):
    w, norms, powers = np.ones(2), np.array([norm_1, norm_2]), np.array([rate_1, 2 - rate_1])
    powers = powers**alpha
    for rate in np.geomspace(0.1, 1e-5, 4_000):
        pulls = w * norms
        aims = powers * pulls.mean() / powers.mean()
        w = w * np.exp(-rate * np.sign(pulls - aims) * pulls / pulls.mean())
        w = 2 * w / w.sum()
    return w[0]


def own_and_shared_apart(experts, scores, own):
    """Each task's mean of the experts that it owns or that nobody owns, weighed by its gate."""
    owners = np.repeat(np.arange(len(own)), own).tolist()
    owners += [None] * (experts.shape[1] - len(owners))
    read = []
    for task, of_task in enumerate(scores):
        seen = [place for place, owner in enumerate(owners) if owner in (task, None)]
        rows = [
            np.average(row[seen], axis=0, weights=np.exp(line))
            for row, line in zip(experts, of_task, strict=True)
        ]
        read.append(rows)
    return np.swapaxes(np.array(read), 0, 1)


def known_rows_only(losses, known, weights):
    total = 0.0
    for of_task, mask, weight in zip(losses.T, known.T, weights, strict=True):
        total += weight * np.mean(of_task[mask]) if mask.any() else 0.0
    return total


ANSWERS = {
    "multi_task.shared_gradient": slopes,
    "multi_task.joint_step": stepped_apart,
    "multi_task.front_of_one": tried,
    "multi_task.mmoe_mixtures": by_loops,
    "multi_task.mmoe_expert_gradient": slopes_of_experts,
    "multi_task.mmoe_loser_keeps": measured_share,
    "multi_task.cgc_mixtures": own_and_shared_apart,
    "multi_task.own_rows_loss": known_rows_only,
    "multi_task.foreign_share": by_building,
    "multi_task.esmm_gradient": slopes_by_logit,
    "multi_task.esmm_selection": esmm_selection_counted,
    "multi_task.log_variance": log_variance_searched,
    "multi_task.gradnorm_step": by_differences,
    "multi_task.two_task_weights": on_a_line,
    "multi_task.gradnorm_rest": settled,
}
