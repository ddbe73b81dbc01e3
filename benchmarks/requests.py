"""Latency of ranking 1,000 candidates: ``rank`` against ``predict`` on the same rows.

Prints one measurement, for two models: Wide & Deep on MovieLens with a history of 20 films, and the
ranker of chapter 07 on the simulated platform, whose two tasks are corrected and fused on the way.
"""

import time
from functools import partial

import keras
import numpy as np

from benchmarks.process import report
from recsys_lib.data import movielens, simulator
from recsys_lib.features.columns import CANDIDATE_GROUP
from recsys_lib.memorization import build_wide_and_deep
from recsys_lib.one_request import build_ranker, undo_sampling_of_both
from recsys_lib.training import predict, rank

NUM_CANDIDATES, NUM_REQUESTS, NUM_PREDICTS = 1_000, 200, 30


def milliseconds(call, repetitions):
    times = []
    for _ in range(repetitions):
        started = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - started))
    return {"p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99))}


def compare_calls(model, columns, features, rows, score, **how):
    """Time one request through ``rank``, ``predict`` and ``model.predict``.

    Args:
        columns: feature columns.
        features: dict of column name to array, as in a ``Split``.
        rows: positions of the rows that give the candidates; the first row gives the rest.
        score: function of the outputs by task and the candidates that gives one score each.
        how: arguments of ``rank``.

    Returns:
        Dict with a ``milliseconds`` for each, and the largest difference of a score.
    """
    user, candidates = {}, {}
    for column in columns:
        if column.name in {tensor.name for tensor in model.inputs}:
            values = features[column.name]
            if column.group == CANDIDATE_GROUP:
                candidates[column.name] = values[rows]
            else:
                user[column.name] = values[0]
    tiled = {name: np.repeat(np.asarray(v)[None], NUM_CANDIDATES, 0) for name, v in user.items()}
    tiled |= candidates
    calls = {
        "rank": partial(rank, model, user, candidates, **how),
        "predict_compiled": partial(predict, model, tiled),
        "keras_predict": partial(model.predict, tiled, verbose=0),
    }
    ranked = calls["rank"]().scores
    predicted = score(calls["predict_compiled"](), candidates)
    calls["keras_predict"]()
    timings = {
        name: milliseconds(call, NUM_PREDICTS if name == "keras_predict" else NUM_REQUESTS)
        for name, call in calls.items()
    }
    return timings | {"largest_difference": float(np.abs(ranked - predicted).max())}


def wide_and_deep():
    ratings = movielens.load()
    crosses = [("user_id", "genres"), ("user_id", "decade")]
    model = build_wide_and_deep(ratings.feature_columns, crosses, task="like")
    films = np.random.default_rng(0).integers(0, len(ratings.test), NUM_CANDIDATES)
    columns, features = ratings.feature_columns, ratings.test.features
    return compare_calls(model, columns, features, films, lambda scores, _: scores["like"])


def ranker():
    world = simulator.platform(1_000, num_valid_rows=10, num_test_rows=10)
    model = build_ranker(world.feature_columns, histories=("history_category",))
    features = simulator.whole_requests(world, 1, NUM_CANDIDATES).features

    def value(scores, candidates):
        click, both = undo_sampling_of_both(scores["click"], scores["conversion"], 0.1)
        price = world.truth["price"][candidates["item_id"]]
        return world.knobs["click_value"] * click + price * both

    rows = np.arange(NUM_CANDIDATES)
    return compare_calls(model, world.feature_columns, features, rows, value, fuse=value)


MODELS = {"Wide & Deep on MovieLens": wide_and_deep, "the ranker of chapter 07": ranker}


def main():
    keras.utils.set_random_seed(0)
    report(models={name: measure() for name, measure in MODELS.items()})


if __name__ == "__main__":
    main()
