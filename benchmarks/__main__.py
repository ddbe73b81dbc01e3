"""``make bench``: print the benchmark table, section by section.

Every line that compares gives a ratio of two measurements of this run. The goals beside them are
the project's own for two cores; nothing here passes or fails.
"""

import argparse
import statistics

from benchmarks import multi_scenario as scenarios
from benchmarks.lessons import lesson_seconds
from benchmarks.process import measure, peak_memory_of_children
from benchmarks.sequences import LENGTHS, LOOPED, loop_name

SMALL, LARGE = 1_000, 1_000_000
ROUNDS = 3


def vocabulary():
    """Training speed against vocabulary size, ours and stock Keras, in alternation."""
    steps = {("ours", SMALL): 200, ("ours", LARGE): 200, ("stock", SMALL): 200, ("stock", LARGE): 4}
    results = {case: [] for case in steps}
    for _ in range(ROUNDS):
        for (which, size), num_steps in steps.items():
            if which == "stock" and size == LARGE and results[which, size]:
                continue  # half a minute each, and a hundredfold difference needs no repetition
            module = "benchmarks.vocabulary"
            results[which, size].append(measure(module, which, size, num_steps))
    speed = {
        case: statistics.median(result["examples_per_second"] for result in measured)
        for case, measured in results.items()
    }
    memory = {
        case: max(result["peak_mib"] for result in measured) for case, measured in results.items()
    }
    print("\nTraining, 16 id columns of width 8, hidden 64 and 32, batch 1024, Adam")
    print(f"{'':24}{'ids a column':>14}{'examples/s':>14}{'peak MiB':>12}")
    for (which, size), value in speed.items():
        name = "recsys_lib" if which == "ours" else "stock Keras fit"
        print(f"{name:24}{size:>14,}{value:>14,.0f}{memory[which, size]:>12,.0f}")
    for text, top, bottom, goal in (
        ("recsys_lib, 1,000,000 to 1,000 ids", ("ours", LARGE), ("ours", SMALL), 0.45),
        ("recsys_lib to stock, 1,000,000 ids", ("ours", LARGE), ("stock", LARGE), 40),
        ("recsys_lib to stock, 1,000 ids", ("ours", SMALL), ("stock", SMALL), 1.8),
    ):
        print(f"{text:38}{speed[top] / speed[bottom]:>14.2f}   goal: at least {goal}")


def seeds():
    """Tracing per seed in compare."""
    result = measure("benchmarks.seeds")
    print("\nSeeds in compare, Wide & Deep on 50,000 simulated rows, 2 epochs")
    print(f"{'seed':>6}{'trace s':>12}{'train s':>12}{'examples/s':>14}")
    columns = (result["trace_seconds"], result["train_seconds"], result["examples_per_second"])
    for seed, (trace, train, speed) in enumerate(zip(*columns, strict=True)):
        print(f"{seed:>6}{trace:>12.2f}{train:>12.2f}{speed:>14,.0f}")
    print("goal: no tracing after the first seed")


def models():
    """Training speed of the models that cross features."""
    result = measure("benchmarks.crosses")
    print("\nTraining on MovieLens, width 16, hidden 64 and 32, batch 1024, Adam, warm")
    print(f"{'':28}{'parameters':>12}{'trace s':>10}{'examples/s':>14}{'to plain network':>18}")
    for name, row in result["models"].items():
        print(
            f"{name:28}{row['parameters']:>12,}{row['trace_seconds']:>10.1f}"
            f"{row['examples_per_second']:>14,.0f}{row['to_reference']:>18.2f}"
        )
    print("goal: at least 0.40 (60,000 where the plain network reaches 150,000), except AFM,")
    print("CIN, xDeepFM and AutoInt")
    for name, value in result["to_loop"].items():
        goal = 1 if name == "CIN" else 3
        print(f"{name} to its loop: {value:.1f}   goal: at least {goal}")


def sequences():
    """Training speed of the sequence models over the length of the history."""
    module = "benchmarks.sequences"
    results = {length: measure(module, length)["models"] for length in LENGTHS}
    print("\nTraining on simulated histories, width 16, hidden 64 and 32, batch 1024, Adam, warm")
    print(f"{'':32}" + "".join(f"{f'{n} behaviours':>24}" for n in LENGTHS))
    print(f"{'':32}" + f"{'graph s':>10}{'examples/s':>14}" * len(LENGTHS))
    for name in results[min(LENGTHS)]:
        print(f"{name:32}", end="")
        for length in LENGTHS:
            row = results[length].get(name)
            print(
                f"{row['graph_seconds']:>10.1f}{row['examples_per_second']:>14,.0f}"
                if row
                else f"{'-':>10}{'-':>14}",
                end="",
            )
        print()
    print("goal: building and tracing under 5 s at 200 behaviours")
    at_50 = results[50]
    for name in LOOPED:
        ratio = at_50[loop_name(name)]["two_epochs_seconds"] / at_50[name]["two_epochs_seconds"]
        goal = "   goal: at least 3" if name.startswith("DIEN") else ""
        print(f"{name} to its loop, graph and two epochs at 50 behaviours: {ratio:.1f}{goal}")


def multi_task():
    """Training speed of the multi-task models, and the cost of balancing their losses."""
    result = measure("benchmarks.multi_task")
    print("\nTraining on MovieLens, like and love, width 16, batch 1024, Adam, warm")
    print(f"{'':28}{'parameters':>12}{'trace s':>10}{'examples/s':>14}")
    for name, row in result["models"].items():
        print(
            f"{name:28}{row['parameters']:>12,}{row['trace_seconds']:>10.1f}"
            f"{row['examples_per_second']:>14,.0f}"
        )
    print(f"MMoE with 8 experts to the notes' loop: {result['to_loop']:.1f}   goal: at least 2")
    models = list(result["overheads"])
    print(f"{'a step to fixed weights':28}" + "".join(f"{model:>16}" for model in models))
    for method in result["overheads"][models[0]]:
        values = (result["overheads"][model][method] for model in models)
        print(f"{method:28}" + "".join(f"{value:>16.2f}" for value in values))
    print("goal: at most 1.05 for uncertainty weighting, at most 2 for GradNorm and Pareto")


def multi_scenario():
    """Training speed and parameters of the multi-scenario models over the number of scenarios."""
    counts = scenarios.COUNTS
    results = {count: measure(scenarios.__name__, count)["models"] for count in counts}
    print("\nTraining on MovieLens in drawn scenarios, width 16, batch 1024, Adam, warm")
    print(f"{'':24}" + "".join(f"{f'{count} scenarios':>34}" for count in counts))
    print(f"{'':24}" + f"{'parameters':>12}{'examples/s':>12}{'to plain':>10}" * len(counts))
    for name in scenarios.MODELS:
        print(f"{name:24}", end="")
        for row in (results[count][name] for count in counts):
            print(
                f"{row['parameters']:>12,}{row['examples_per_second']:>12,.0f}"
                f"{row['to_plain']:>10.2f}",
                end="",
            )
        print()
    few, many = min(counts), max(counts)
    print(f"a step with {many} scenarios to one with {few}, in steps of the plain network:")
    for name in scenarios.MODELS:
        growth = scenarios.growth(results, name)
        print(f"{name:24}{growth:>12.2f}   goal: under {many / few:.1f}, the ratio of scenarios")
    print(
        f"STAR to plain, 15 scenarios: {results[15]['STAR']['to_plain']:.2f}   goal: at least 0.5"
    )


def requests():
    """Latency of one request with 1,000 candidates."""
    result = measure("benchmarks.requests")
    labels = {
        "rank": "rank",
        "predict_compiled": "predict, tiled rows",
        "keras_predict": "model.predict, tiled rows",
    }
    for model, timings in result["models"].items():
        print(f"\nRanking 1,000 candidates of one request, {model}, milliseconds")
        print(f"{'':28}{'p50':>10}{'p99':>10}")
        for name, label in labels.items():
            print(f"{label:28}{timings[name]['p50']:>10.1f}{timings[name]['p99']:>10.1f}")
        ratio = timings["keras_predict"]["p50"] / timings["rank"]["p50"]
        print(f"model.predict to rank (p50): {ratio:.0f}   goal: at least 10")
        print(f"largest difference of a score: {timings['largest_difference']:.1e}")


def lessons():
    """Seconds of each lesson."""
    print("\nLessons, from the start of the kernel, seconds")
    print(f"{'':40}{'all cells':>12}{'first output':>14}")
    for name, total, first in lesson_seconds():
        print(f"{name:40}{total:>12.1f}{first:>14.1f}")
    print("goal: at most 60 for all cells, under 10 to the first output")
    print(f"largest memory of a kernel: {peak_memory_of_children():,.0f} MiB")


SECTIONS = {
    function.__name__: function
    for function in (
        vocabulary,
        seeds,
        models,
        sequences,
        multi_task,
        multi_scenario,
        requests,
        lessons,
    )
}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"default: all of {', '.join(SECTIONS)}")
    chosen = parser.parse_args().sections or list(SECTIONS)
    unknown = sorted(set(chosen) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {unknown}; there are {', '.join(SECTIONS)}")
    for name in chosen:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
