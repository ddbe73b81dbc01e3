"""Latency of ranking 1,000 candidates: ``rank`` against ``model.predict`` on the same rows.

Prints one measurement. The model is Wide & Deep on MovieLens with a history of 20 films.
"""

import time
from functools import partial

import keras
import numpy as np

from recsys_lib.bench.process import report
from recsys_lib.data import movielens
from recsys_lib.features.columns import CANDIDATE_GROUP
from recsys_lib.memorization import build_wide_and_deep
from recsys_lib.training import predict, rank

NUM_CANDIDATES, NUM_REQUESTS, NUM_PREDICTS = 1_000, 200, 30


def milliseconds(call, repetitions):
    times = []
    for _ in range(repetitions):
        started = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - started))
    return {"p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99))}


def main():
    ratings = movielens.load()
    keras.utils.set_random_seed(0)
    crosses = [("user_id", "genres"), ("user_id", "decade")]
    model = build_wide_and_deep(ratings.feature_columns, crosses, task="like")
    draw = np.random.default_rng(0)
    test = ratings.test
    films = draw.integers(0, len(test), NUM_CANDIDATES)
    user, candidates = {}, {}
    for column in ratings.feature_columns:
        values = test.features[column.name]
        if column.group == CANDIDATE_GROUP:
            candidates[column.name] = values[films]
        else:
            user[column.name] = values[0]
    tiled = {name: np.repeat(np.asarray(v)[None], NUM_CANDIDATES, 0) for name, v in user.items()}
    rows = {**candidates, **tiled}
    calls = {
        "rank": partial(rank, model, user, candidates),
        "predict_compiled": partial(predict, model, rows),
        "keras_predict": partial(model.predict, rows, verbose=0),
    }
    ranked, predicted = calls["rank"]().scores, calls["predict_compiled"]()["like"]
    difference = float(np.abs(ranked - predicted).max())
    calls["keras_predict"]()
    timings = {
        name: milliseconds(call, NUM_PREDICTS if name == "keras_predict" else NUM_REQUESTS)
        for name, call in calls.items()
    }
    report(largest_difference=difference, **timings)


if __name__ == "__main__":
    main()
