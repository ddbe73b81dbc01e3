"""Training speed of the models that cross features, on MovieLens, beside a plain network.

``python -m benchmarks.crosses`` measures all of them in one process, in alternation, and prints
JSON. The models' own sizes: embeddings of width 16, hidden layers of 64 and 32; batch 1024, Adam.

FiBiNET's first hidden layer reads two products of width 16 for each of 55 pairs, 1,760 numbers
where the plain network reads 116; that layer alone costs more than the whole plain network.
"""

from benchmarks import inputs
from benchmarks.process import CONDITIONS, ONEDNN, conditions, measure, report
from benchmarks.training import measure_speeds
from recsys_lib.loops.crosses import looped
from recsys_lib.zoo import find

ROUNDS = 8
REFERENCE = "dnn"
LOOPED = ("ipnn", "fibinet_all", "fibinet_each", "fibinet", "cin")
"""Models whose looped form is measured too."""
GOAL = 0.40
"""Share of the plain network's speed; those that are below it are named."""


def loop_name(key):
    """Name of the measurement of a model's looped form."""
    return f"{key} (loop)"


def cases(dataset):
    """What is measured: name to function of the feature columns."""
    builds = {
        key: inputs.builder(model, dataset) for key, model in inputs.models_of("crosses").items()
    }
    loops = {
        loop_name(key): lambda columns, build=builds[key]: looped(build(columns)) for key in LOOPED
    }
    return builds | loops


def print_section():
    """Print the table, with oneDNN's kernels off and on: the switch is one for a process."""
    print("\nTraining on MovieLens, width 16, hidden 64 and 32, Adam, warm; oneDNN off and on")
    print(f"{'':24}{'':31}{'':>24}{'examples/s, oneDNN':>28}{'the faster,':>18}")
    heading = f"{'parameters':>14}{'trace s':>10}{'off':>14}{'on':>14}{'to plain':>18}"
    print(f"{'':24}{CONDITIONS}{heading}")
    results = {name: measure(__name__, environment=ONEDNN[name])["models"] for name in ONEDNN}
    off, on = results["off"], results["on"]

    def speed(name):
        return max(result[name]["examples_per_second"] for result in results.values())

    slow = []
    for key in off:
        if key.endswith("(loop)"):
            continue
        share = speed(key) / speed(REFERENCE)
        slow += [find(key).name] if share < GOAL else []
        print(
            f"{find(key).name:24}{conditions(inputs.BATCH_SIZE, 'off, on')}"
            f"{off[key]['parameters']:>14,}{off[key]['trace_seconds']:>10.1f}"
            f"{off[key]['examples_per_second']:>14,.0f}{on[key]['examples_per_second']:>14,.0f}"
            f"{share:>18.2f}"
        )
    print(f"goal: at least {GOAL:.2f} (60,000 where the plain network reaches 150,000); below it:")
    print(", ".join(slow) or "none")
    for key in LOOPED:
        ratio = off[key]["examples_per_second"] / off[loop_name(key)]["examples_per_second"]
        goal = 1 if key == "cin" else 3
        print(f"{find(key).name} to its loop: {ratio:.1f}   goal: at least {goal}")


def main():
    dataset = inputs.crosses()
    report(models=measure_speeds(dataset, cases(dataset), ROUNDS))


if __name__ == "__main__":
    main()
