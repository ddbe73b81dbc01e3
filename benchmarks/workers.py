"""Training speed of two workers against one, by the size of the batch.

``python -m benchmarks.workers MODEL BATCH...`` prints one measurement; under ``TF_CONFIG`` it is
one of several workers, as ``recsys_pipeline.workers.launch`` starts them. The small model shows
what the exchange costs, beside one worker that has all cores of this machine. A model of published
size, on rows in the form of Criteo's, shows what a second worker brings: each has one thread, and
the two numbers of workers take turns. Other programs disturb the rates; the processor's seconds of
a worker are disturbed less, and their ratio is what the rates come to where each worker has a core.
"""

import io
import json
import os
import statistics
import sys
import time

import keras
import numpy as np

from benchmarks import larger_than_memory
from benchmarks.process import CONDITIONS, BenchmarkError, conditions, report
from benchmarks.vocabulary import HIDDEN_UNITS, NUM_COLUMNS, WIDTH, build_deepfm, make_rows
from recsys_lib.data import Dataset, Split
from recsys_lib.features.columns import CategoricalColumn
from recsys_lib.training.optimizers import Adam
from recsys_lib.training.trainer import Trainer
from recsys_lib.zoo import find
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


PUBLISHED = {"embedding_dim": 16, "hidden_units": (400, 400, 400)}
PUBLISHED_BATCH, PUBLISHED_ROWS, ROUNDS = 16_384, 1 << 17, 3


def measure_workers(model, count, environment, batches):
    """Examples per second of the whole batch, as the first worker measured them.

    Args:
        model: ``"small"`` or ``"published"``.
        count: number of workers.
        environment: dict of variables that each gets.
        batches: sizes.

    Returns:
        Dict of batch size to examples per second, and to processor seconds of a step.
    """
    output = io.StringIO()
    command = [sys.executable, "-m", __name__, model, *map(str, batches)]
    code = launch(command, count, environment=environment, output=output)
    lines = output.getvalue().splitlines()
    if code:
        raise BenchmarkError(f"{count} workers ended with {code}: {lines[-20:]}")
    found = [line for line in lines if line.startswith("[0] {")]
    measured = json.loads(found[-1][4:])
    return tuple(
        {int(batch): value for batch, value in measured[what].items()}
        for what in ("speeds", "seconds")
    )


def print_section():
    """Print the table."""
    print(f"\nWorkers on one machine, DeepFM, {NUM_COLUMNS} id columns of width {WIDTH},")
    print(f"{IDS:,} ids a column, hidden {HIDDEN_UNITS}, Adam; rows of the batch of all workers")
    speeds_of = "".join(f"{f'batch {batch:,}':>16}" for batch in BATCHES)
    print(f"{'examples/s':24}{CONDITIONS}{speeds_of}")
    speeds = {}
    for name, (count, environment) in CASES.items():
        speeds[name], _ = measure_workers("small", count, environment, BATCHES)
        threads = environment.get("TF_NUM_INTRAOP_THREADS") or (os.cpu_count() or 1) // count
        row = "".join(f"{speeds[name][batch]:>16,.0f}" for batch in BATCHES)
        print(f"{name:24}{conditions('various', threads=threads or 1)}{row}")
    _, alone, together = speeds.values()
    ratios = (together[batch] / alone[batch] for batch in BATCHES)
    row = "".join(f"{ratio:>16.2f}" for ratio in ratios)
    print(f"{'2 workers to all cores':24}{'':31}{row}")
    print("no goal: what two workers exchange in a step costs the same however small the batch is")
    _print_published()


def _print_published():
    """Two workers to one, each with one thread, in turns."""
    batch = PUBLISHED_BATCH
    numbers = (
        f"{larger_than_memory.NUM_NUMBERS} numbers and {larger_than_memory.NUM_IDS} id columns"
    )
    print(f"\nDeepFM of published size, {numbers}, {PUBLISHED}")
    heading = f"{'examples/s':>16}{'CPU s of a step':>18}"
    print(f"{'one thread a worker':24}{CONDITIONS}{heading}")
    found = {1: [], 2: []}
    for _ in range(ROUNDS):
        for count, rounds in found.items():
            speeds, seconds = measure_workers("published", count, ONE_THREAD, [batch])
            rounds.append((speeds[batch], seconds[batch]))
    for count, rounds in found.items():
        speed, seconds = map(statistics.median, zip(*rounds, strict=True))
        name = f"{count} worker{'s' * (count > 1)}"
        print(f"{name:24}{conditions(batch, threads=1)}{speed:>16,.0f}{seconds:>18.3f}")
    pairs = list(zip(found[1], found[2], strict=True))
    speed = statistics.median(two[0] / one[0] for one, two in pairs)
    seconds = statistics.median(one[1] / two[1] for one, two in pairs)
    print(f"{'2 workers to 1':24}{'':31}{speed:>16.2f}{seconds:>18.2f}   goal: at least 1.6")


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


def make_published(num_rows):
    """Rows in the form of Criteo's log, and DeepFM as its benchmarks have it."""
    train, *others = (
        larger_than_memory.rows_of(first, count)
        for first, count in ((0, num_rows), (num_rows, 1), (num_rows + 1, 1))
    )
    return Dataset("published", larger_than_memory.columns(), train, *others)


def main(model, *batches, num_rows=None):
    strategy = join_workers()
    keras.utils.set_random_seed(0)
    is_small = model == "small"
    dataset = (
        make_dataset(num_rows or NUM_ROWS)
        if is_small
        else make_published(num_rows or PUBLISHED_ROWS)
    )
    speeds, seconds = {}, {}
    with strategy.scope():
        columns = dataset.feature_columns
        network = build_deepfm(columns) if is_small else find("deepfm").build(columns, **PUBLISHED)
        trainer = Trainer(network, dataset, Adam(1e-3))
        for batch in map(int, batches):
            options = {"epochs": 1, "batch_size": batch, "patience": None, "progress": False}
            trainer.fit(dataset, **options)  # to warm up
            started = time.process_time()
            runs = [trainer.fit(dataset, **options) for _ in range(REPETITIONS)]
            steps = REPETITIONS * -(-len(dataset.train) // batch)
            seconds[batch] = (time.process_time() - started) / steps
            speeds[batch] = statistics.median(run.examples_per_second for run in runs)
    report(speeds=speeds, seconds=seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
