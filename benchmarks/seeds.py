"""What a further seed costs in ``compare``: seconds of tracing, seed by seed. Prints JSON."""

from benchmarks.inputs import BATCH_SIZE
from benchmarks.process import CONDITIONS, conditions, measure, report
from recsys_lib.data import simulator
from recsys_lib.memorization import wide_and_deep_optimizer
from recsys_lib.training import compare
from recsys_lib.zoo import find


def print_section():
    """Print the table."""
    print("\nSeeds in compare, Wide & Deep on 50,000 simulated rows, 2 epochs")
    print(f"{'seed':>6}{CONDITIONS}{'trace s':>12}{'train s':>12}{'examples/s':>14}")
    result = measure(__name__)
    columns = (result["trace_seconds"], result["train_seconds"], result["examples_per_second"])
    for seed, (trace, train, speed) in enumerate(zip(*columns, strict=True)):
        how = conditions(BATCH_SIZE)
        print(f"{seed:>6}{how}{trace:>12.2f}{train:>12.2f}{speed:>14,.0f}")
    print("goal: no tracing after the first seed")


def main():
    platform = simulator.memorization(num_rows=50_000, num_test_rows=10_000)
    recipe = find("wide_and_deep").recipe(optimizer=wide_and_deep_optimizer)
    table = compare(
        {"joint": recipe}, platform, 4, baselines={}, epochs=2, patience=None, batch_size=BATCH_SIZE
    )
    report(
        trace_seconds=table.trace_seconds.tolist(),
        train_seconds=table.seconds.tolist(),
        examples_per_second=table.examples_per_second.tolist(),
    )


if __name__ == "__main__":
    main()
