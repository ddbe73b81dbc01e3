"""Rate and memory of training on chunks beside training in memory.

``python -m benchmarks.larger_than_memory write FOLDER ROWS CHUNK`` writes rows of 39 columns, 13
numbers and 26 ids, as a cache and as a Parquet file, chunk by chunk. ``WAY FOLDER CHUNK ROUNDS``
trains DeepFM on them (``memory``, ``mapped`` or ``parquet``), and ``rates FOLDER CHUNK ROUNDS`` on
all three in turn, with one trainer, so that what else the machine does disturbs all alike.

Memory is anonymous memory, what the process cannot give back: resident pages less those that are
mapped from files, at its largest (``RssAnon`` in ``/proc/self/status``, Linux only).
"""

import contextlib
import pathlib
import statistics
import sys
import tempfile
import threading

import keras
import numpy as np

from benchmarks.process import CONDITIONS, conditions, measure, report
from recsys_lib.data import ChunkedDataset, Dataset, Split
from recsys_lib.features.columns import CategoricalColumn, NumericColumn
from recsys_lib.training import Adam
from recsys_lib.training.trainer import Trainer
from recsys_lib.zoo import find
from recsys_pipeline.chunks import (
    ArrayChunks,
    FolderWriter,
    ParquetChunks,
    open_folder,
    write_parquet,
)

NUM_NUMBERS, NUM_IDS = 13, 26
LARGEST, WIDTH, HIDDEN_UNITS, BATCH_SIZE = 100_000, 8, (64, 32), 4096
ROWS, CHUNKS, ROUNDS = 1_000_000, 5, 3
WAYS = {"memory": "in memory", "mapped": "mapped chunks", "parquet": "Parquet chunks"}
OPTIONS = {"epochs": 1, "batch_size": BATCH_SIZE, "patience": None, "progress": False}
SECONDS_BETWEEN_LOOKS = 0.02


def columns():
    """Vocabularies from ten ids to ``LARGEST``, as in logs of advertisements."""
    sizes = np.geomspace(10, LARGEST, NUM_IDS).astype(int)
    return (
        *(NumericColumn(f"number_{place}") for place in range(NUM_NUMBERS)),
        *(CategoricalColumn(f"id_{place}", int(size)) for place, size in enumerate(sizes)),
    )


def rows_of(first, num_rows):
    """Rows from number ``first`` on: few ids are frequent, and labels follow some columns."""
    rng = np.random.default_rng([0, first])
    features = {}
    for column in columns():
        if isinstance(column, NumericColumn):
            features[column.name] = rng.standard_normal(num_rows, np.float32)
        else:
            share = rng.random(num_rows, np.float32) ** 3
            ids = 1 + (share * (column.vocabulary_size - 1)).astype(np.int32)
            features[column.name] = np.minimum(ids, column.vocabulary_size - 1)
    score = features["number_0"] + (features["id_25"] % 7 < 3) - 0.5
    label = rng.random(num_rows, np.float32) < 1 / (1 + np.exp(-score))
    rows = np.arange(first, first + num_rows)
    return Split(features, {"click": label}, group=rows % 1000, row_id=rows)


def write(folder, num_rows, chunk):
    """Write a cache and a Parquet file; never more than a chunk is in memory."""
    sizes = [min(chunk, num_rows - start) for start in range(0, num_rows, chunk)]
    with FolderWriter(f"{folder}/mapped", "rows", columns(), {"click": "binary"}) as writer:
        for number, size in enumerate(sizes):
            writer.add("train", rows_of(number * chunk, size))
        for place, name in enumerate(("valid", "test")):
            writer.add(name, rows_of(num_rows + place * 1000, 1000))
    train = ArrayChunks(open_folder(f"{folder}/mapped").train.split, chunk)
    pieces = (train.read(number) for number in range(len(sizes)))
    write_parquet(f"{folder}/rows.parquet", pieces, rows_per_group=chunk)


def open_way(way, folder, chunk):
    """The data set in memory, as mapped chunks or as Parquet chunks."""
    mapped = open_folder(f"{folder}/mapped", chunk)
    others = {name: mapped.splits[name].read(0) for name in ("valid", "test")}
    if way == "memory":
        split = mapped.train.split
        features = {name: np.array(values) for name, values in split.features.items()}
        labels = {"click": np.array(split.label)}
        train = Split(features, labels, np.array(split.group), np.array(split.row_id))
        return Dataset("rows", mapped.feature_columns, train, **others)
    train = mapped.train
    if way == "parquet":
        names = {"group": "group", "row_id": "row_id"}
        train = ParquetChunks(f"{folder}/rows.parquet", mapped.feature_columns, "click", **names)
    return ChunkedDataset("rows", mapped.feature_columns, train, **others)


def new_trainer(dataset):
    keras.utils.set_random_seed(0)
    options = {"embedding_dim": WIDTH, "hidden_units": HIDDEN_UNITS}
    model = find("deepfm").build(dataset.feature_columns, **options)
    trainer = Trainer(model, dataset, Adam(1e-3))
    trainer.trace()
    return trainer


def anonymous_mib():
    """Anonymous memory of this process in MiB; not a number where the system does not say."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    return float("nan")


@contextlib.contextmanager
def peak_of_anonymous():
    """While it lasts, look often; gives a list whose one entry is the largest of what was seen."""
    largest, is_over = [anonymous_mib()], threading.Event()

    def look():
        while not is_over.wait(SECONDS_BETWEEN_LOOKS):
            largest[0] = max(largest[0], anonymous_mib())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield largest
    finally:
        is_over.set()
        thread.join()


def measure_way(way, folder, chunk, rounds):
    """Memory from the opening of the data on, and the rate of each epoch."""
    with peak_of_anonymous() as largest:
        start = largest[0]
        dataset = open_way(way, folder, chunk)
        trainer = new_trainer(dataset)
        rates = [trainer.fit(dataset, **OPTIONS).examples_per_second for _ in range(rounds)]
    report(examples_per_second=rates, start_mib=start, anonymous_mib=largest[0])


def measure_rates(folder, chunk, rounds):
    """Epochs of all ways in turn, by one trainer, after one that warms up."""
    datasets = {way: open_way(way, folder, chunk) for way in WAYS}
    trainer = new_trainer(datasets["mapped"])
    rates = {way: [] for way in WAYS}
    for number in range(rounds + 1):
        for way, dataset in datasets.items():
            rate = trainer.fit(dataset, seed=number, **OPTIONS).examples_per_second
            if number:
                rates[way].append(rate)
    report(rates=rates)


def print_section(num_rows=None, in_turn=True):
    """Print the table.

    Args:
        num_rows: training rows; default ``ROWS``. From ten million on a chunk has a million.
        in_turn: measure the rates in turn, which takes the rows in memory beside the chunks;
            otherwise take each way's rate from the process that measures its memory.
    """
    num_rows = num_rows or ROWS
    chunk = min(-(-num_rows // CHUNKS), 1_000_000)
    print(
        f"\nLarger than memory: DeepFM, {num_rows:,} rows of {NUM_NUMBERS + NUM_IDS} columns, "
        f"chunks of {chunk:,}"
    )
    memory = f"{'anonymous MiB':>16}{'above the start':>16}"
    print(f"{'':24}{CONDITIONS}{'examples/s':>14}{memory}")
    with tempfile.TemporaryDirectory() as folder:
        written = pathlib.Path(folder)
        measure(__name__, "write", written, num_rows, chunk)
        rounds = ROUNDS if in_turn else 1
        alone = {way: measure(__name__, way, written, chunk, 1) for way in WAYS}
        rates = {way: found["examples_per_second"] for way, found in alone.items()}
        if in_turn:
            rates = measure(__name__, "rates", written, chunk, rounds)["rates"]
    for way, name in WAYS.items():
        peak, start = alone[way]["anonymous_mib"], alone[way]["start_mib"]
        print(
            f"{name:24}{conditions(BATCH_SIZE)}{statistics.median(rates[way]):>14,.0f}"
            f"{peak:>16,.0f}{peak - start:>16,.0f}"
        )
    for way in ("mapped", "parquet"):
        pairs = zip(rates[way], rates["memory"], strict=True)
        ratio = statistics.median(one / other for one, other in pairs)
        print(f"{WAYS[way] + ' to in memory':38}{ratio:>14.2f}   goal: at least 0.8")
        peak = alone[way]["anonymous_mib"]
        print(f"{WAYS[way] + ', anonymous MiB':38}{peak:>14,.0f}   goal: below 4,096")


def main(what, folder, *numbers):
    numbers = [int(number) for number in numbers]
    if what == "write":
        write(folder, *numbers)
        report()
    elif what == "rates":
        measure_rates(folder, *numbers)
    else:
        measure_way(what, folder, *numbers)


if __name__ == "__main__":
    main(*sys.argv[1:])
