"""A run on chunks that is stopped anywhere and started again ends with the same bits."""

import dataclasses

import numpy as np
import pytest
import tiny
from chunked import DATA, OPTIONS, fresh, in_chunks, kept, trained

from recsys_lib.training import checkpoints, validation
from recsys_lib.training.objectives import ListWise, Pairs
from recsys_lib.training.rows import STEPS_PER_CALL
from recsys_pipeline.chunks import ArrayChunks


class Stopped(Exception):
    pass


def stop_after(calls, run):
    def counted(*arguments):
        nonlocal calls
        if not calls:
            raise Stopped
        calls -= 1
        return run(*arguments)

    return counted


@pytest.mark.parametrize("sizes", [[50, 60, 40], [7] * 21 + [3]])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8, 13])
def test_a_run_stopped_in_the_middle_of_a_chunk_goes_on_to_the_same_bits(tmp_path, sizes, steps):
    """Ten steps an epoch; of the chunks, none ends where a batch does."""
    data = in_chunks(DATA, sizes)
    expected, through = trained(data)
    options = {**OPTIONS, "checkpoint": str(tmp_path / "run.npz"), "checkpoint_steps": 1}
    interrupt(fresh(), data, steps, options)
    # Other initial weights: everything comes from the file.
    history = fresh(seed=99).fit(data, **options)
    tiny.assert_same_bits(tiny.weights_of(kept().model), tiny.weights_of(expected))
    np.testing.assert_allclose(history.epochs["loss"], through.epochs["loss"], rtol=1e-5)


def interrupt(run, data, calls, options):
    """A run that stops after so many calls, of one step each."""
    run.trace()
    compiled = run._run
    run._run = stop_after(calls, compiled)
    try:
        with pytest.raises(Stopped):
            run.fit(data, **options)
    finally:
        run._run = compiled


class Recording(ArrayChunks):
    """Notes which chunks are read."""

    def __init__(self, split, sizes):
        super().__init__(split, sizes)
        self.read_chunks = []

    def read(self, number, column_names=None):
        if column_names != ():
            self.read_chunks.append(number)
        return super().read(number, column_names)


def test_a_run_that_goes_on_reads_only_the_chunks_that_are_left(tmp_path):
    sizes = [15] * 10
    data = dataclasses.replace(in_chunks(DATA, sizes), train=Recording(DATA.train, sizes))
    path = str(tmp_path / "run.npz")
    options = {**OPTIONS, "epochs": 1, "checkpoint": path, "checkpoint_steps": 1}
    interrupt(fresh(), data, 8, options)
    data.train.read_chunks.clear()
    fresh().fit(data, **options)
    # 8 steps are 128 rows: eight chunks, and eight rows of the ninth.
    order = np.random.default_rng([4, 0, 10]).permutation(10)
    assert data.train.read_chunks == order[8:].tolist()


@pytest.mark.parametrize("sizes", [10, [50, 60, 40]])
@pytest.mark.parametrize(("every", "expected"), [(4, [4, 8]), (1, list(range(1, 10))), (300, [])])
def test_a_checkpoint_is_written_as_often_as_is_asked_for(
    tmp_path, monkeypatch, every, expected, sizes
):
    saved = []
    monkeypatch.setattr(
        checkpoints.StoredRun, "save", lambda run: saved.append((run.epoch, run.step))
    )
    options = {"checkpoint": str(tmp_path / "run.npz"), "checkpoint_steps": every}
    trained(in_chunks(DATA, sizes), **options)
    assert [step for epoch, step in saved if epoch == 0] == expected
    saved.clear()
    trained(DATA, **options)
    assert [step for epoch, step in saved if epoch == 0] == expected


def test_a_checkpoint_is_written_no_more_often_than_is_asked_for(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(checkpoints.StoredRun, "save", lambda run: saved.append(run.step))
    data = tiny.make_dataset(tiny.SMALL, sizes={"train": 3000, "valid": 60, "test": 60})
    every = STEPS_PER_CALL + 100
    options = {"checkpoint": str(tmp_path / "run.npz"), "checkpoint_steps": every}
    trained(data, epochs=1, batch_size=4, **options)
    assert saved == [every, 2 * every, 0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("sizes", r"sizes of the chunks was \[50, 50, 50\] and is \[60, 60, 30\]"),
        ("memory", r"sizes of the chunks was \[50, 50, 50\] and is None"),
        ("labels", "hash of the training rows was"),
        ("features", "hash of the training rows was"),
        ("validation", "hash of the validation rows was"),
    ],
)
def test_a_checkpoint_of_other_chunks_is_refused(tmp_path, changed, message):
    path = str(tmp_path / "run.npz")
    options = {"checkpoint": path, "patience": 3}
    trained(in_chunks(DATA, 50, valid=30), **options)
    data, sizes = DATA, 50
    if changed == "sizes":
        sizes = 60
    elif changed != "memory":
        name = "valid" if changed == "validation" else "train"
        split = getattr(DATA, name)
        parts = {"labels": dict(split.labels), "features": dict(split.features)}
        if changed == "features":
            parts["features"]["user_id"] = np.roll(parts["features"]["user_id"], 1)
        else:
            parts["labels"]["like"] = 1 - parts["labels"]["like"]
        data = dataclasses.replace(DATA, **{name: dataclasses.replace(split, **parts)})
    other = data if changed == "memory" else in_chunks(data, sizes, valid=30)
    with pytest.raises(ValueError, match=f"belongs to another run, {message}"):
        trained(other, **options)


def paged(rows_of_a_page, sizes):
    """Pages of so many rows in each split, of users with one each, in memory or in chunks."""
    parts = {}
    for name, count in rows_of_a_page.items():
        split = getattr(DATA, name)
        page = np.arange(len(split)) // count
        parts[name] = split.with_groups(user=page, page=page)
    data = dataclasses.replace(DATA, **parts)
    return in_chunks(data, sizes, valid=30) if sizes else data


@pytest.mark.parametrize("sizes", [None, 50])
@pytest.mark.parametrize(
    ("options", "read"),
    [
        ({"objective": Pairs("page"), "patience": 3}, ["train"]),
        ({"objective": ListWise("page"), "watch": "gauc:page", "patience": 3}, ["train", "valid"]),
        ({"watch": "gauc:page", "patience": 3}, ["valid"]),
        ({"patience": 3}, []),
    ],
)
def test_a_checkpoint_of_other_groups_is_refused_where_the_run_reads_them(
    tmp_path, monkeypatch, sizes, options, read
):
    monkeypatch.setattr(validation, "ENOUGH_PAIRS", 1)
    options = {**options, "checkpoint": str(tmp_path / "run.npz")}
    first = {"train": 5, "valid": 5}
    trained(paged(first, sizes), tiny.build_small, **options)
    for name, told in (("train", "training"), ("valid", "validation")):
        other = paged({**first, name: 6}, sizes)
        if name not in read:
            trained(other, tiny.build_small, **options)
            continue
        message = f"run, hash of the groups of the {told} rows was '.{{12}}' and is '.{{12}}';"
        with pytest.raises(ValueError, match=message):
            trained(other, tiny.build_small, **options)
