"""Training speed of the multi-task models, and what balancing their losses costs, on MovieLens.

``python -m benchmarks.multi_task`` measures all of them in one process, in alternation, and prints
JSON: the architectures; MMoE with 8 experts beside the loop form of the notes; and the step of each
balancing method beside that of fixed weights, on Shared-Bottom and on MMoE. Tasks "like" and
"love", the models' own sizes, batch 1024, Adam.
"""

from benchmarks import inputs
from benchmarks.process import CONDITIONS, conditions, measure, report
from benchmarks.training import measure_speeds
from recsys_lib.loops.multi_task import build_mmoe_loop
from recsys_lib.multi_task.balancing import GradNorm, ParetoWeights, UncertaintyWeighting
from recsys_lib.zoo import find

ROUNDS = 8
EXPERTS = 8
BATCHED, LOOP = f"MMoE, {EXPERTS} experts", f"MMoE, {EXPERTS} experts (loop)"
BALANCED = ("Shared-Bottom", "MMoE")
FIXED = "fixed weights"
METHODS = {
    FIXED: None,
    "uncertainty weighting": UncertaintyWeighting(),
    "GradNorm": GradNorm(),
    "Pareto": ParetoWeights(),
    "Pareto, the paper's way": ParetoWeights(method="paper"),
}


def case_name(model, method):
    """Name of the measurement of a model with a balancing method."""
    return model if method == FIXED else f"{model}, {method}"


def cases(dataset):
    """What is measured: name to function of the feature columns, and name to balancing method."""
    models = inputs.models_of("multi_task").values()
    builds = {model.name: inputs.builder(model, dataset) for model in models}
    builds[BATCHED] = inputs.builder(find("mmoe"), dataset, num_experts=EXPERTS)
    tasks = tuple(dataset.tasks)
    builds[LOOP] = lambda columns: build_mmoe_loop(columns, tasks, num_experts=EXPERTS)
    balancing = {}
    for model in BALANCED:
        for method, balance in METHODS.items():
            if balance is not None:
                name = case_name(model, method)
                builds[name], balancing[name] = builds[model], balance
    return builds, balancing


def overheads(results):
    """Dict of model and method to the length of a step beside that with fixed weights."""
    speed = {name: result["examples_per_second"] for name, result in results.items()}
    return {
        model: {method: speed[model] / speed[case_name(model, method)] for method in METHODS}
        for model in BALANCED
    }


def print_section():
    """Print the table."""
    print("\nTraining on MovieLens, like and love, width 16, Adam, warm")
    print(f"{'':28}{CONDITIONS}{'parameters':>12}{'trace s':>10}{'examples/s':>14}")
    results = measure(__name__)["models"]
    methods = [case_name(model, method) for model in BALANCED for method in METHODS]
    for name, row in results.items():
        if name in methods and name not in BALANCED:
            continue
        print(
            f"{name:28}{conditions(inputs.BATCH_SIZE)}{row['parameters']:>12,}"
            f"{row['trace_seconds']:>10.1f}{row['examples_per_second']:>14,.0f}"
        )
    ratio = results[BATCHED]["examples_per_second"] / results[LOOP]["examples_per_second"]
    print(f"MMoE with {EXPERTS} experts to the notes' loop: {ratio:.1f}   goal: at least 2")
    found = overheads(results)
    print(f"{'a step to fixed weights':28}" + "".join(f"{model:>16}" for model in found))
    for method in METHODS:
        values = (found[model][method] for model in found)
        print(f"{method:28}" + "".join(f"{value:>16.2f}" for value in values))
    print("goal: at most 1.05 for uncertainty weighting, at most 2 for GradNorm and Pareto")


def main():
    dataset = inputs.multi_task()
    builds, balancing = cases(dataset)
    report(models=measure_speeds(dataset, builds, ROUNDS, balancing))


if __name__ == "__main__":
    main()
