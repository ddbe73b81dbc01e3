"""What a further seed costs in ``compare``: seconds of tracing, seed by seed. Prints JSON."""

from benchmarks.process import report
from recsys_lib.data import simulator
from recsys_lib.memorization import build_wide_and_deep, wide_and_deep_optimizer
from recsys_lib.training import Recipe, compare


def main():
    platform = simulator.memorization(num_rows=50_000, num_test_rows=10_000)
    recipe = Recipe(build_wide_and_deep, wide_and_deep_optimizer)
    table = compare({"joint": recipe}, platform, 4, baselines={}, epochs=2, patience=None)
    report(
        trace_seconds=table.trace_seconds.tolist(),
        train_seconds=table.seconds.tolist(),
        examples_per_second=table.examples_per_second.tolist(),
    )


if __name__ == "__main__":
    main()
