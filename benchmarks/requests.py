"""Latency of ranking 1,000 candidates: ``rank`` against scoring rows that were tiled beforehand.

``python -m benchmarks.requests`` prints one measurement, for Wide & Deep on MovieLens, for DIN on
histories of 50 steps, and for the ranker of chapter 07 on the simulated platform, whose two tasks
are corrected and fused on the way. Calls take turns, so that whatever else the machine does falls
on all of them; the compiled rival is the strictest: its tensors are made before the clock starts.
"""

import time
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.process import CONDITIONS, conditions, measure, report
from recsys_lib.data import movielens, simulator
from recsys_lib.features.columns import CANDIDATE_GROUP
from recsys_lib.one_request import undo_sampling_of_both
from recsys_lib.training import predict, rank
from recsys_lib.zoo import find

NUM_CANDIDATES, NUM_STEPS = 1_000, 50
NUM_REQUESTS, NUM_PREDICTS, NUM_WARM = 200, 30, 5
GOALED = ("DIN, 50 steps", "the ranker of chapter 07")
LABELS = {
    "rank": "rank",
    "compiled": "compiled, rows tiled before",
    "predict": "predict, tiled rows",
    "keras_predict": "model.predict, tiled rows",
}


def in_turns(calls, repetitions):
    """Milliseconds of every call, each in turn.

    Args:
        calls: dict of name to function.
        repetitions: dict of name to how often it is called.

    Returns:
        Dict of name to list.
    """
    times = {name: [] for name in calls}
    for turn in range(max(repetitions.values())):
        for name, call in calls.items():
            if turn < repetitions[name]:
                started = time.perf_counter()
                call()
                times[name].append(1e3 * (time.perf_counter() - started))
    return times


def request_of(model, columns, features, rows):
    """One request's values by column, and those of its candidates.

    Args:
        model: Keras model.
        columns: feature columns.
        features: dict of column name to array, as in a ``Split``.
        rows: positions of the rows that give the candidates; the first row gives the rest.
    """
    user, candidates = {}, {}
    names = {tensor.name for tensor in model.inputs}
    for column in (column for column in columns if column.name in names):
        values = np.asarray(features[column.name])
        if column.group == CANDIDATE_GROUP:
            candidates[column.name] = values[rows]
        else:
            user[column.name] = values[0]
    return user, candidates


def compare_calls(model, columns, features, rows, fuse=None):
    """Time one request through ``rank`` and through scoring its tiled rows.

    Args:
        model, columns, features, rows: as for ``request_of``.
        fuse: function of the scores by task and the candidates, as for ``rank``; None where there
            is one task.

    Returns:
        Dict with ``p50`` and ``p99`` of each call in milliseconds, ``ratio`` (median over turns of
        the compiled call to ``rank``) and ``largest_difference`` of a score.
    """
    user, candidates = request_of(model, columns, features, rows)
    tiled = {name: np.repeat(v[None], len(rows), axis=0) for name, v in user.items()} | candidates
    tensors = {name: tf.constant(values) for name, values in tiled.items()}
    run = tf.function(lambda values: model(values, training=False), autograph=False)

    def compiled():
        outputs = run(tensors)
        if fuse is None:
            return outputs.numpy()
        return fuse({task: score.numpy() for task, score in outputs.items()}, candidates)

    calls = {
        "rank": partial(rank, model, user, candidates, **({} if fuse is None else {"fuse": fuse})),
        "compiled": compiled,
        "predict": partial(predict, model, tiled),
        "keras_predict": partial(model.predict, tiled, verbose=0),
    }
    difference = np.abs(calls["rank"]().scores - compiled()).max()
    in_turns(calls, dict.fromkeys(calls, NUM_WARM))
    repetitions = dict.fromkeys(calls, NUM_REQUESTS) | {"keras_predict": NUM_PREDICTS}
    times = in_turns(calls, repetitions)
    result = {
        name: {"p50": float(np.percentile(t, 50)), "p99": float(np.percentile(t, 99))}
        for name, t in times.items()
    }
    pairs = np.array(times["compiled"]) / np.array(times["rank"])
    return result | {
        "ratio": float(np.median(pairs)),
        "largest_difference": float(difference),
    }


def wide_and_deep():
    ratings = movielens.load()
    crosses = [("user_id", "genres"), ("user_id", "decade")]
    columns, features = ratings.feature_columns, ratings.test.features
    model = find("wide_and_deep").build(columns, "like", cross_pairs=crosses)
    films = np.random.default_rng(0).integers(0, len(ratings.test), NUM_CANDIDATES)
    return compare_calls(model, columns, features, films)


def din():
    """At the sizes of chapter 04's lesson."""
    world = inputs.sequences(NUM_STEPS, 4 * NUM_CANDIDATES)
    options = {"activation": "relu", "attention_units": (16,)}
    model = find("din").build(world.feature_columns, **options)
    rows = np.arange(NUM_CANDIDATES)
    return compare_calls(model, world.feature_columns, world.train.features, rows)


def ranker():
    """At the sizes of chapter 07's lesson."""
    world = simulator.platform(1_000, num_valid_rows=10, num_test_rows=10)
    options = {"embedding_dim": 8, "attention_units": (16,), "gate_units": 16}
    model = find("ranker").build(world.feature_columns, histories=("history_category",), **options)
    features = simulator.whole_requests(world, 1, NUM_CANDIDATES).features

    def value(scores, candidates):
        click, both = undo_sampling_of_both(scores["click"], scores["conversion"], 0.1)
        price = world.truth["price"][candidates["item_id"]]
        return world.knobs["click_value"] * click + price * both

    rows = np.arange(NUM_CANDIDATES)
    return compare_calls(model, world.feature_columns, features, rows, value)


REQUESTS = {
    "Wide & Deep on MovieLens": wide_and_deep,
    "DIN, 50 steps": din,
    "the ranker of chapter 07": ranker,
}


def print_section():
    """Print the tables."""
    print("\nRanking the candidates of one request, the batch, in milliseconds")
    print(f"{'':28}{CONDITIONS}{'p50':>10}{'p99':>10}")
    for name, found in measure(__name__)["models"].items():
        print(f"{name}:")
        for call, label in LABELS.items():
            times = f"{found[call]['p50']:>10.2f}{found[call]['p99']:>10.2f}"
            print(f"{label:28}{conditions(NUM_CANDIDATES)}{times}")
        goal = "   goal: at least 1.3" if name in GOALED else ""
        print(f"compiled to rank (median of turns): {found['ratio']:.2f}{goal}")
        ratio = found["keras_predict"]["p50"] / found["rank"]["p50"]
        print(f"model.predict to rank (p50): {ratio:.0f}   goal: at least 10")
        print(f"largest difference of a score: {found['largest_difference']:.1e}", end="")
        print("   goal: at most 1e-06" if name in GOALED else "")


def main():
    keras.utils.set_random_seed(0)
    report(models={name: request() for name, request in REQUESTS.items()})


if __name__ == "__main__":
    main()
