"""Training speed of an objective over groups beside the mean over rows, within pages of ten rows.

``python -m benchmarks.objectives`` measures all of them in one process, in alternation, and prints
JSON: a logistic regression, a plain network and DIN with 20 behaviours, the models' own sizes;
batch 1024, Adam.
"""

import dataclasses

import numpy as np

from benchmarks import inputs
from benchmarks.process import CONDITIONS, conditions, measure, report
from benchmarks.training import measure_speeds
from recsys_lib.data import Dataset
from recsys_lib.training.objectives import JRC, ListWise, Pairs
from recsys_lib.zoo import find

ROUNDS = 8
MODELS = {"lr": "crosses", "dnn": "crosses", "din": "sequences"}
"""Key of each model, and the kind of data that it is measured on."""
ROWS_OF_A_PAGE = 10
GOAL = 1.3
"""The length of a step beside one of ``rows``; above it an objective is named."""

OBJECTIVES = {"rows": None, "pairs": Pairs("page"), "list": ListWise("page"), "jrc": JRC("page")}


def objectives_of(key):
    """The objectives that a model is measured with: no network makes the logit of ``lr``."""
    return {name: one for name, one in OBJECTIVES.items() if (key, name) != ("lr", "jrc")}


def in_groups(dataset: Dataset) -> Dataset:
    """The same rows, of which every ten that follow each other are a page."""
    page = np.arange(len(dataset.train)) // ROWS_OF_A_PAGE
    return dataclasses.replace(dataset, train=dataset.train.with_groups(page=page))


def overheads(results):
    """Dict of model and objective to the length of a step beside that with ``rows``."""
    return {
        key: {
            name: of["rows"]["examples_per_second"] / row["examples_per_second"]
            for name, row in of.items()
        }
        for key, of in results.items()
    }


def print_section():
    """Print the table."""
    print(f"\nTraining with pages of {ROWS_OF_A_PAGE} rows, Adam, warm: a step to that of rows")
    names = list(OBJECTIVES)[1:]
    heading = "".join(f"{name:>10}" for name in names)
    print(f"{'':28}{CONDITIONS}{'rows, ex./s':>14}{heading}")
    results = measure(__name__)["models"]
    slow = []
    for key, found in overheads(results).items():
        shares = "".join(f"{found[name]:>10.2f}" if name in found else " " * 10 for name in names)
        speed = results[key]["rows"]["examples_per_second"]
        print(f"{find(key).name:28}{conditions(inputs.BATCH_SIZE)}{speed:>14,.0f}{shares}")
        slow += [f"{find(key).name} with {name}" for name in names if found.get(name, 0) > GOAL]
    print(f"goal: at most {GOAL}; above it: {', '.join(slow) or 'none'}")


def main():
    results = {}
    for key, kind in MODELS.items():
        dataset = in_groups(inputs.LOADERS[kind]())
        objectives = objectives_of(key)
        builds = dict.fromkeys(objectives, inputs.builder(find(key), dataset))
        results[key] = measure_speeds(dataset, builds, ROUNDS, objectives=objectives)
    report(models=results)


if __name__ == "__main__":
    main()
