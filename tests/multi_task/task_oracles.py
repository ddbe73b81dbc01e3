"""The multi-task models in NumPy, in double precision: what each makes of its features."""

import numpy as np
from reference import relu, sigmoid, softmax
from tiny_tasks import network, numbers


def dense_network(layer, inputs):
    """An ``MLP`` by matrix products, ReLU after every layer."""
    weights = [weight.numpy().astype(np.float64) for weight in layer.weights]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        inputs = relu(inputs @ kernel + bias)
    return inputs


def shared_bottom(model, x):
    """What the towers of Shared-Bottom read, ``(batch, tasks, units)``."""
    bottom = dense_network(model.get_layer("shared_bottom"), x)
    return np.repeat(bottom[:, None], model.get_layer("towers").count, axis=1)


def mixtures_of_experts(model, x):
    """What the towers of MMoE and OMoE read; OMoE's tasks share the one gate."""
    stack, kernel = model.get_layer("experts"), numbers(model.get_layer("gates"), "kernel")
    experts = [network(stack, k, x) for k in range(stack.count)]
    mixtures = []
    for task in range(model.get_layer("towers").count):
        gate = softmax(x @ kernel[0 if model.name == "omoe" else task])
        mixtures.append(sum(gate[:, [k]] * expert for k, expert in enumerate(experts)))
    return np.stack(mixtures, axis=1)


def extraction_levels(model, x, own, shared):
    """What the towers of CGC and PLE read.

    ``own``: for each level the number of experts of each task; ``shared``: of each level.
    """
    num_tasks = model.get_layer("towers").count
    inputs = [x] * (num_tasks + 1)
    for level, (counts, num_shared) in enumerate(zip(own, shared, strict=True), start=1):
        stack, first, every = model.get_layer(f"experts_{level}"), 0, []
        for count, read in zip((*counts, num_shared), inputs, strict=True):
            every.append([network(stack, first + k, read) for k in range(count)])
            first += count
        gates, after = model.get_layer(f"gates_{level}"), []
        for task in range(num_tasks):
            if len(set(counts)) == 1:
                kernel = numbers(gates, "kernel")[task]
            else:
                kernel = numbers(gates, f"kernel_{task}")
            gate = softmax(inputs[task] @ kernel)
            seen = every[task] + every[-1]
            assert gate.shape[1] == len(seen)
            after.append(sum(gate[:, [k]] * expert for k, expert in enumerate(seen)))
        if level < len(own):
            gate = softmax(
                inputs[-1] @ numbers(model.get_layer(f"shared_gate_{level}"), "kernel")[0]
            )
            flat = [expert for experts in every for expert in experts]
            after.append(sum(gate[:, [k]] * expert for k, expert in enumerate(flat)))
        inputs = after
    return np.stack(inputs, axis=1)


def all_forward(model, sets, own, shared):
    """What the towers of STEM read; ``sets``: the features of each task, the shared ones last."""
    stack, kernel = model.get_layer("experts"), numbers(model.get_layer("gates"), "kernel")
    readers = [x for x in sets[:-1] for _ in range(own)] + [sets[-1]] * shared
    assert len(readers) == stack.count == kernel.shape[-1]
    experts = [network(stack, k, x) for k, x in enumerate(readers)]
    mixtures = []
    for task, x in enumerate(sets[:-1]):
        gate = softmax((x + sets[-1]) @ kernel[task])
        mixtures.append(sum(gate[:, [k]] * expert for k, expert in enumerate(experts)))
    return np.stack(mixtures, axis=1)


def funnel(model, x, tasks):
    """Both outputs of ESMM: pCTR, and its product with pCVR."""
    click, conversion = tasks
    found = {}
    for tower, head in (("click_tower", click), ("cvr_tower", "conversion_given_click")):
        hidden = dense_network(model.get_layer(tower), x)
        logit = (hidden @ numbers(model.get_layer(f"{tower}_logit"), "kernel"))[:, 0]
        found[tower] = sigmoid(logit + numbers(model.get_layer(head), "bias"))
    return {click: found["click_tower"], conversion: found["click_tower"] * found["cvr_tower"]}


def chain(model, x, tasks):
    """The outputs of AITM: each tower's vector and what is handed on, mixed by their weights."""
    query, key = (numbers(model.get_layer("transfer_weights"), name) for name in ("query", "key"))
    value = numbers(model.get_layer("transfer_values"), "kernel")
    state, found = None, {}
    for t, task in enumerate(tasks, start=1):
        own = network(model.get_layer("towers"), t - 1, x)
        if t == 1:
            state = own
        else:
            pair = [dense_network(model.get_layer(f"transferred_{t}"), state), own]
            scores = [np.sum((u @ query) * (u @ key), axis=1) / np.sqrt(len(query)) for u in pair]
            weights = softmax(np.stack(scores, axis=1))
            state = sum(weights[:, [n]] * (u @ value) for n, u in enumerate(pair))
        logit = (state @ numbers(model.get_layer(f"logit_{t}"), "kernel"))[:, 0]
        found[task] = sigmoid(logit + numbers(model.get_layer(task), "bias"))
    return found
