"""Training speed of two workers on this machine against one, by the size of the batch.

``python -m benchmarks.workers BATCH...`` prints one measurement; under ``TF_CONFIG`` it is one of
several workers, as ``recsys_pipeline.workers.launch`` starts them. One machine's cores are what
they share, so this is what the exchange costs, not what more machines bring.
"""

import io
import json
import os
import statistics
import sys

import keras
import numpy as np

from benchmarks.process import CONDITIONS, BenchmarkError, conditions, report
from benchmarks.vocabulary import HIDDEN_UNITS, NUM_COLUMNS, WIDTH, build_deepfm, make_rows
from recsys_lib.data import Dataset, Split
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.trainer import Trainer
from recsys_pipeline.workers import join_workers
from recsys_pipeline.workers.launch import launch

IDS, NUM_ROWS, REPETITIONS = 10_000, 1 << 18, 3
BATCHES = (1_024, 4_096, 16_384)
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}
CASES = {
    "1 worker, 1 thread": (1, ONE_THREAD),
    "1 worker, all cores": (1, {}),
    "2 workers": (2, {}),
}
"""Number of workers, and what the environment says beside the launcher's share of the cores."""


def measure_workers(count, environment, batches):
    """Examples per second of the whole batch, as the first worker measured them.

    Args:
        count: number of workers.
        environment: dict of variables that each gets.
        batches: sizes.

    Returns:
        Dict of batch size to examples per second.
    """
    output = io.StringIO()
    command = [sys.executable, "-m", __name__, *map(str, batches)]
    code = launch(command, count, environment=environment, output=output)
    lines = output.getvalue().splitlines()
    if code:
        raise BenchmarkError(f"{count} workers ended with {code}: {lines[-20:]}")
    found = [line for line in lines if line.startswith("[0] {")]
    return {int(batch): speed for batch, speed in json.loads(found[-1][4:])["speeds"].items()}


def print_section():
    """Print the table."""
    print(f"\nWorkers on one machine, DeepFM, {NUM_COLUMNS} id columns of width {WIDTH},")
    print(f"{IDS:,} ids a column, hidden {HIDDEN_UNITS}, Adam; rows of the batch of all workers")
    speeds_of = "".join(f"{f'batch {batch:,}':>16}" for batch in BATCHES)
    print(f"{'examples/s':24}{CONDITIONS}{speeds_of}")
    speeds = {}
    for name, (count, environment) in CASES.items():
        speeds[name] = measure_workers(count, environment, BATCHES)
        threads = environment.get("TF_NUM_INTRAOP_THREADS") or (os.cpu_count() or 1) // count
        row = "".join(f"{speeds[name][batch]:>16,.0f}" for batch in BATCHES)
        print(f"{name:24}{conditions('various', threads=threads or 1)}{row}")
    _, alone, together = speeds.values()
    ratios = (together[batch] / alone[batch] for batch in BATCHES)
    row = "".join(f"{ratio:>16.2f}" for ratio in ratios)
    print(f"{'2 workers to all cores':24}{'':31}{row}")
    print("no goal: what two workers exchange in a step costs the same however small the batch is")


def make_dataset(num_rows):
    """Random ids; two rows more than are trained on, for validation and test."""
    columns = tuple(CategoricalColumn(f"column_{n}", IDS) for n in range(NUM_COLUMNS))
    features, labels = make_rows(IDS, num_rows + 2)
    rows = np.arange(num_rows + 2)

    def split(part):
        return Split(
            features={name: values[part] for name, values in features.items()},
            labels={"click": labels[part]},
            group=rows[part],
            row_id=rows[part],
        )

    ends = (slice(0, num_rows), slice(num_rows, num_rows + 1), slice(num_rows + 1, num_rows + 2))
    return Dataset("workers", columns, *map(split, ends))


def main(*batches, num_rows=NUM_ROWS):
    strategy = join_workers()
    keras.utils.set_random_seed(0)
    dataset = make_dataset(num_rows)
    speeds = {}
    with strategy.scope():
        trainer = Trainer(build_deepfm(dataset.feature_columns), dataset, Adam(1e-3))
        for batch in map(int, batches):
            options = {"epochs": 1, "batch_size": batch, "patience": None, "progress": False}
            trainer.fit(dataset, **options)  # to warm up
            runs = [trainer.fit(dataset, **options) for _ in range(REPETITIONS)]
            speeds[batch] = statistics.median(run.examples_per_second for run in runs)
    report(speeds=speeds)


if __name__ == "__main__":
    main(*sys.argv[1:])
