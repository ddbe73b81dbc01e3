"""What is read of chunks, when, and in which thread; scores of rows that lie in chunks."""

import dataclasses
import threading

import numpy as np
import pandas as pd
import pytest
import tiny
from chunked import DATA, in_chunks, kept, trained

from recsys_lib.data import Chunks, Split
from recsys_lib.data.chunks import read_ahead
from recsys_lib.training import evaluate, fit, metrics, predict
from recsys_lib.training.baselines import Baseline, column_mean
from recsys_pipeline.chunks import ArrayChunks

# Reading


def test_the_next_chunk_is_read_while_one_is_used_and_no_other():
    loaded, threads = [], set()
    arrived = {number: threading.Event() for number in range(6)}

    def load(number):
        threads.add(threading.get_ident())
        loaded.append(number)
        arrived[number].set()
        return number

    for number in read_ahead(load, range(6)):
        if number < 5:
            assert arrived[number + 1].wait(10)  # read although nobody asked for it yet
        assert loaded == list(range(min(number + 2, 6)))
    assert threading.get_ident() not in threads and len(threads) == 1


def test_an_error_of_the_reading_thread_is_raised_and_no_thread_is_left():
    class Broken(ArrayChunks):
        def read(self, number, column_names=None):
            if number == 2 and column_names != ():
                raise OSError("disk on fire")
            return super().read(number, column_names)

    data = dataclasses.replace(in_chunks(DATA, 40), train=Broken(DATA.train, 40))
    with pytest.raises(OSError, match="disk on fire"):
        trained(data)
    assert not [t.name for t in threading.enumerate() if t.name.startswith("read_ahead")]


def test_a_chunk_is_checked_before_one_of_its_rows_is_used():
    """In a fused table an id that is too large would train another column's rows."""
    ids = DATA.train.features["movie_id"].copy()
    ids[120] = 20
    train = dataclasses.replace(DATA.train, features={**DATA.train.features, "movie_id": ids})
    data = dataclasses.replace(in_chunks(DATA, 50), train=ArrayChunks(train, 50))
    message = r"train, chunk 2, column 'movie_id': expected ids from 0 to 19, got 20 \(rows 20\)"
    with pytest.raises(ValueError, match=message):
        trained(data)
    valid = dataclasses.replace(
        in_chunks(DATA, 50), valid=ArrayChunks(train.take(np.arange(100, 150)), 25)
    )
    message = r"valid, chunk 0, column 'movie_id': expected ids from 0 to 19, got 20 \(rows 20\)"
    with pytest.raises(ValueError, match=message):
        trained(valid, patience=1)


def test_a_source_that_reads_other_rows_than_it_says_is_refused():
    class Short(ArrayChunks):
        def read(self, number, column_names=None):
            return super().read(number, column_names).take(np.arange(self.sizes[number] - 1))

    rows = Split({}, DATA.train.labels, DATA.train.group, DATA.train.row_id)
    short = Short(DATA.train, 50)
    short.labels = lambda: rows
    with pytest.raises(ValueError, match=r"train, chunk .*: expected 50 rows, got 49"):
        trained(dataclasses.replace(in_chunks(DATA, 50), train=short))


def test_only_the_models_columns_are_read():
    data = tiny.make_dataset()
    wanted = []

    class Watched(ArrayChunks):
        def read(self, number, column_names=None):
            wanted.append(column_names)
            return super().read(number, column_names)

    chunked = dataclasses.replace(in_chunks(data, 50), train=Watched(data.train, 50))
    trained(chunked)
    assert {tuple(sorted(names)) for names in wanted} == {("movie_id", "user_id")}


# Scores


def test_validation_in_chunks_scores_all_rows_together():
    """Not the mean of the chunks' scores, which other chunks would change."""
    model, history = trained(in_chunks(DATA, 50, valid=7), epochs=4, patience=2)
    expected, in_memory = trained(in_chunks(DATA, 50), epochs=4, patience=2)
    tiny.assert_same_bits(tiny.weights_of(model), tiny.weights_of(expected))
    np.testing.assert_allclose(
        history.epochs["valid_score"], in_memory.epochs["valid_score"], atol=1e-12
    )
    assert history.best_epoch == in_memory.best_epoch
    found = metrics.auc(DATA.valid.label, predict(kept().model, DATA.valid.features)["like"])
    assert history.epochs["valid_score"].max() == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize("sizes", [60, 13])
def test_scores_of_chunks_are_those_of_the_rows(sizes):
    data = tiny.make_dataset(tasks={"like": "binary", "share": "binary"})
    model = tiny.randomize(tiny.build_large(tasks=("like", "share")))
    expected = evaluate(model, data.valid)
    found = evaluate(model, ArrayChunks(data.valid, sizes))
    assert list(found.columns) == list(expected.columns)
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-5)


def test_a_baseline_is_scored_on_chunks_too():
    baseline = column_mean(DATA, "user_id")
    assert isinstance(baseline, Baseline)
    pd.testing.assert_series_equal(
        evaluate(baseline, ArrayChunks(DATA.test, 30)), evaluate(baseline, DATA.test)
    )


def test_what_chunks_cannot_do_is_said():
    with pytest.raises(ValueError, match="got one of its splits; pass the whole data set"):
        fit(tiny.build_small(), ArrayChunks(DATA.train, 50))
    one_class = dataclasses.replace(
        DATA.valid, labels={"like": np.zeros(60)}, probability={}, slices={}
    )
    data = dataclasses.replace(in_chunks(DATA, 50), valid=ArrayChunks(one_class, 20))
    with pytest.raises(ValueError, match=r"valid, labels\['like'\]: expected labels of both"):
        trained(data, patience=1)
    assert isinstance(data.valid, Chunks)
