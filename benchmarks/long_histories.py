"""Latency of ranking one request's candidates over the length of the history, with a search or not.

``python -m benchmarks.long_histories LENGTH`` measures all models at one length in one process,
their calls in turns, and prints JSON. DIN attends to the whole history; SDIM adds up what shares a
signature with the candidate; the others search the history for 100 behaviours first. A behaviour is
an item and its category; ids and weights are random, since no time depends on them but that of the
hard search, which finds a fiftieth of the history.
"""

import sys
from functools import partial

import keras
import numpy as np

from benchmarks.process import CONDITIONS, conditions, measure, report
from benchmarks.requests import in_turns
from recsys_lib.features.columns import CategoricalColumn, SequenceColumn
from recsys_lib.training import rank
from recsys_lib.zoo import find

NUM_CANDIDATES, NUM_ITEMS, NUM_CATEGORIES = 200, 10_000, 50
LENGTHS = (100, 500, 2_000, 5_000)
NUM_REQUESTS, NUM_WARM = 30, 3
RIVAL = "DIN, whole history"
FORMS = {
    RIVAL: ("din", {"activation": "relu"}),
    "SIM, hard search": ("sim", {"search": "hard"}),
    "SIM, soft search": ("sim", {}),
    "ETA": ("eta", {}),
    "TWIN": ("twin", {}),
    "SDIM": ("sdim", {}),
}
"""What is measured: name to key of the zoo and options."""


def columns_of(length):
    """A candidate's item and category, and histories of both."""
    return (
        CategoricalColumn("item_id", NUM_ITEMS + 1, group="item"),
        CategoricalColumn("category", NUM_CATEGORIES + 1, group="item"),
        SequenceColumn("history", NUM_ITEMS + 1, length, table="item_id"),
        SequenceColumn("history_category", NUM_CATEGORIES + 1, length, table="category"),
    )


def request_of(length, num_candidates=NUM_CANDIDATES):
    """A user with a full history, and candidates, all drawn evenly."""
    rng = np.random.default_rng(0)

    def ids(count, size):
        return rng.integers(1, count + 1, size, np.int32)

    user = {"history": ids(NUM_ITEMS, length), "history_category": ids(NUM_CATEGORIES, length)}
    candidates = {
        "item_id": ids(NUM_ITEMS, num_candidates),
        "category": ids(NUM_CATEGORIES, num_candidates),
    }
    return user, candidates


def latencies(length, num_candidates=NUM_CANDIDATES, num_requests=NUM_REQUESTS, num_warm=NUM_WARM):
    """Milliseconds of ``rank``: name to its median and its 99th percentile.

    Args:
        length: behaviours of the history.
        num_candidates: candidates of a request.
        num_requests, num_warm: calls of each model that count, and calls before.
    """
    user, candidates = request_of(length, num_candidates)
    calls = {}
    for name, (key, options) in FORMS.items():
        model = find(key).build(columns_of(length), **options)
        calls[name] = partial(rank, model, user, candidates)
    in_turns(calls, dict.fromkeys(calls, num_warm))
    times = in_turns(calls, dict.fromkeys(calls, num_requests))
    return {
        name: {"p50": float(np.percentile(t, 50)), "p99": float(np.percentile(t, 99))}
        for name, t in times.items()
    }


def print_section():
    """Print the table: the median for each model and length, and DIN's share of it."""
    print(f"\nRanking {NUM_CANDIDATES:,} candidates over the length of the history, p50 in ms")
    lengths = "".join(f"{f'{length:,} behaviours':>20}" for length in LENGTHS)
    print(f"{'':24}{CONDITIONS}{lengths}")
    results = {length: measure(__name__, length)["models"] for length in LENGTHS}
    for name in FORMS:
        times = "".join(f"{results[n][name]['p50']:>20.1f}" for n in LENGTHS)
        print(f"{name:24}{conditions(NUM_CANDIDATES)}{times}")
    longest = results[max(LENGTHS)]
    print(f"{RIVAL} to the other models at {max(LENGTHS):,} behaviours:")
    for name in FORMS:
        if name != RIVAL:
            print(f"  {name:22}{longest[RIVAL]['p50'] / longest[name]['p50']:.1f}")


def main():
    keras.utils.set_random_seed(0)
    report(models=latencies(int(sys.argv[1])))


if __name__ == "__main__":
    main()
