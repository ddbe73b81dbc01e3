"""Training speed of the sequence models over the length of the history, beside their loops.

``python -m benchmarks.sequences LENGTH`` measures all models at one length in one process, in
alternation, and prints JSON. The models' own sizes, batch 1024, Adam; DSIN cuts the history into
five sessions. The time to build and trace is reported beside the speed: that is where an unrolled
loop is paid for first.
"""

import sys

from benchmarks import inputs
from benchmarks.process import CONDITIONS, ONEDNN, conditions, measure, report
from benchmarks.training import measure_speeds
from recsys_lib.loops.crosses import looped
from recsys_lib.zoo import find

NUM_STEPS, ROUNDS = 8, 3
LENGTHS = (20, 50, 200)
FORMS = {
    "DIN, ReLU": ("din", {"activation": "relu"}),
    "DIEN, no auxiliary loss": ("dien", {"auxiliary_weight": 0}),
}
"""Forms that are measured besides the models of the zoo: name to key and options."""

LOOPED = ("DIEN, no auxiliary loss", "DSIN")
LONGEST_LOOP = 50
"""Unrolled forms are measured up to this length: building them takes minutes beyond."""


def loop_name(name):
    """Name of the measurement of a model's looped form."""
    return f"{name} (loop)"


def cases(dataset, length):
    """What is measured at a length: name to function of the feature columns."""
    models = inputs.models_of("sequences").values()
    builds = {model.name: inputs.builder(model, dataset) for model in models}
    for name, (key, options) in FORMS.items():
        builds[name] = inputs.builder(find(key), dataset, **options)
    for name in LOOPED if length <= LONGEST_LOOP else ():
        builds[loop_name(name)] = lambda columns, build=builds[name]: looped(build(columns))
    return builds


def two_epochs_seconds(result, num_rows=NUM_STEPS * inputs.BATCH_SIZE):
    """From the start of building to the end of two epochs of the fastest kind."""
    return result["graph_seconds"] + 2 * num_rows / result["examples_per_second"]


def print_section():
    """Print the table, with the faster setting of oneDNN's kernels for each model and length."""
    print("\nTraining on simulated histories, width 16, hidden 64 and 32, Adam, warm")
    print("(*: with oneDNN's kernels, where they are faster)")
    print(f"{'':32}{'':31}" + "".join(f"{f'{n} behaviours':>24}" for n in LENGTHS))
    print(f"{'':32}{CONDITIONS}" + f"{'graph s':>10}{'examples/s':>14}" * len(LENGTHS))
    results = {}
    for length in LENGTHS:
        off, on = (measure(__name__, length, environment=ONEDNN[name])["models"] for name in ONEDNN)
        results[length] = {
            name: max({**off[name], "mark": ""}, {**on[name], "mark": "*"}, key=_speed)
            for name in off
        }
    for name in results[min(LENGTHS)]:
        print(f"{name:32}{conditions(inputs.BATCH_SIZE, 'off, * on')}", end="")
        for length in LENGTHS:
            row = results[length].get(name)
            print(
                f"{row['graph_seconds']:>10.1f}"
                f"{format(row['examples_per_second'], ',.0f') + row['mark']:>14}"
                if row
                else f"{'-':>10}{'-':>14}",
                end="",
            )
        print()
    print("goal: building and tracing under 5 s at 200 behaviours")
    at_50 = results[50]
    for name in LOOPED:
        ratio = two_epochs_seconds(at_50[loop_name(name)]) / two_epochs_seconds(at_50[name])
        goal = "   goal: at least 3" if name.startswith("DIEN") else ""
        print(f"{name} to its loop, graph and two epochs at 50 behaviours: {ratio:.1f}{goal}")


def _speed(result):
    return result["examples_per_second"]


def main():
    length = int(sys.argv[1])
    dataset = inputs.sequences(length, NUM_STEPS * inputs.BATCH_SIZE)
    report(models=measure_speeds(dataset, cases(dataset, length), ROUNDS))


if __name__ == "__main__":
    main()
