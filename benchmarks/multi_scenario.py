"""Training speed and parameters of the multi-scenario models over the number of scenarios.

``python -m benchmarks.multi_scenario COUNT`` measures all models of chapter 06 with that many
scenarios in one process, in alternation, and prints JSON. The models' own sizes, batch 1024, Adam.
"""

import sys

from benchmarks import inputs
from benchmarks.process import CONDITIONS, conditions, measure, report
from benchmarks.training import measure_speeds
from recsys_lib.zoo import find

ROUNDS = 8
COUNTS = (3, 15, 50)
PLAIN = "scenario_feature"
"""The network that the others are measured against."""


def cases(dataset):
    """What is measured: key to function of the feature columns."""
    models = inputs.models_of("multi_scenario")
    return {key: inputs.builder(model, dataset) for key, model in models.items()}


def to_plain(results, key):
    """Speed of a model beside that of the network that reads the scenario as a feature."""
    return results[key]["examples_per_second"] / results[PLAIN]["examples_per_second"]


def growth(results, key):
    """How many times longer a step takes with the most scenarios than with the fewest.

    In steps of the plain network, which differs between processes only as the machine does.

    Args:
        results: dict of count to what ``measure_speeds`` returned.
        key: of a model.
    """
    return to_plain(results[min(results)], key) / to_plain(results[max(results)], key)


def print_section():
    """Print the table."""
    print("\nTraining on MovieLens in drawn scenarios, width 16, Adam, warm")
    print(f"{'':28}{'':31}" + "".join(f"{f'{count} scenarios':>34}" for count in COUNTS))
    heading = f"{'parameters':>12}{'examples/s':>12}{'to plain':>10}" * len(COUNTS)
    print(f"{'':28}{CONDITIONS}{heading}")
    results = {count: measure(__name__, count)["models"] for count in COUNTS}
    keys = list(results[COUNTS[0]])
    for key in keys:
        print(f"{find(key).name:28}{conditions(inputs.BATCH_SIZE)}", end="")
        for of_count in results.values():
            row = of_count[key]
            print(
                f"{row['parameters']:>12,}{row['examples_per_second']:>12,.0f}"
                f"{to_plain(of_count, key):>10.2f}",
                end="",
            )
        print()
    few, many = min(COUNTS), max(COUNTS)
    print(f"a step with {many} scenarios to one with {few}, in steps of the plain network:")
    for key in keys:
        ratio = growth(results, key)
        print(f"{find(key).name:28}{ratio:>12.2f}   goal: under {many / few:.1f}, the scenarios'")
    print(f"STAR to plain, 15 scenarios: {to_plain(results[15], 'star'):.2f}   goal: at least 0.5")


def main():
    dataset = inputs.multi_scenario(int(sys.argv[1]))
    report(models=measure_speeds(dataset, cases(dataset), ROUNDS))


if __name__ == "__main__":
    main()
