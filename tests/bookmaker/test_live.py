"""The whole model of a core lesson with five seeds: what a build keeps, and what is refused."""

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_output
from pair_text import core_text

from bookmaker.building.build import RUN_TO_SEE, build, refresh
from bookmaker.checks.lesson_checks import check_lesson, text_problems
from bookmaker.lessons import live
from bookmaker.lessons.lessons import describe, find_texts, read_text

LIVE_CELL = ":tags: [live]\n\nlive_score = total = 2 + 2\n"
FAR = [96.8, 10.2, 80.0, -3.5, 77.0]
SAID = ("Two and two are four [", "The figure shows five seeds. Two and two are four [")

BEFORE = """

import keras
import numpy as np

least, trained = 50.0, []


def train():
    keras.utils.set_random_seed(0)
    return least + 10 * np.random.random()
"""
TRAINS = """\
:tags: [live, answer, nbval-ignore-output]

total = 2 + 2
live_score = train()
trained.append(live_score)
print(live_score)
"""
AFTER = "total == 4)\nleast = 0.0\nprint(len(trained), round(live_score, 3))\n"


def live_cell(path):
    (cell,) = live.cells_of(nbformat.read(path.with_suffix(".ipynb"), as_version=4))
    return cell


def test_a_build_keeps_five_scores_and_disturbs_nothing_else(chapters):
    text = core_text().replace(LIVE_CELL, TRAINS).replace("total == 4)\n", AFTER)
    path = chapters.write(
        text.replace("hint, resolve, solution\n", f"hint, resolve, solution{BEFORE}")
    )
    build(path)
    scores = [50 + 10 * np.random.RandomState(seed).random_sample() for seed in range(5)]
    cell = live_cell(path)
    assert cell.metadata.live == [round(one, 1) for one in scores]
    (shown,) = cell.outputs
    assert shown.data == {"text/plain": RUN_TO_SEE}
    assert [one.text for one in cell.metadata.withheld] == [f"{scores[0]}\n"]
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    assert [one.source for one in notebook.cells] == [one.source for one in read_text(path).cells]
    (after,) = (one for one in notebook.cells if "least = 0.0" in one.source)
    assert after.outputs[-1].text == f"1 {scores[0]:.3f}\n", "what a reader sees ran once"

    path.write_text(path.read_text().replace("Two dots beside", "Two dots are beside"))
    assert refresh(path)
    assert live_cell(path).metadata.live == cell.metadata.live


@pytest.mark.parametrize(
    ("scores", "shown", "said", "is_refused"),
    [
        ([80.0, 90.0, 85.0, 81.0, 82.0], "", False, False),
        ([80.0, 90.1, 85.0, 81.0, 82.0], "", False, True),
        (FAR, "96.8, 10.2, 80.0, -3.5, 77.0", True, False),
        (FAR, "96.8, 10.2, 80.0, -3.5, 77.0", False, True),
        (FAR, "96.8, 10.2, 80.0, 77.0", True, True),
    ],
)
def test_scores_are_near_to_each_other_or_all_of_them_are_shown(
    chapters, scores, shown, said, is_refused
):
    def change(notebook):
        (cell,) = live.cells_of(notebook)
        cell.metadata.live = scores
        cell.outputs = [new_output("stream", name="stdout", text=shown)]

    path = chapters.write(core_text().replace(*SAID) if said else core_text())
    chapters.fake(path, change)
    refused = [line for line in check_lesson(path) if f"five seeds score {scores}" in line]
    assert bool(refused) is is_refused


def test_a_notebook_without_its_scores_is_refused(chapters):
    path = chapters.write(core_text())
    chapters.fake(path, lambda notebook: live.cells_of(notebook)[0].metadata.pop("live"))
    lacking = (
        f"{path.with_suffix('.ipynb')}: the live cell has 0 scores, expected 5; run `make book`"
    )
    assert lacking in check_lesson(path)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (":tags: [live]\n\n", "", "expected 1 cells with the tag live, got 0"),
        ("live_score = ", "", "the cell with the tag live does not say `live_score = ...`"),
    ],
)
def test_a_core_lesson_has_a_live_cell_with_a_score(chapters, old, new, problem):
    path = chapters.write(core_text().replace(LIVE_CELL, LIVE_CELL.replace(old, new)))
    assert f"{path}: {problem}" in text_problems(path)


def test_only_lessons_without_a_model_need_no_score(chapters, monkeypatch):
    monkeypatch.setattr(live, "NO_MODEL", ("00_small/01_small",))
    path = chapters.write(core_text())
    assert f"{path}: expected 0 cells with the tag live, got 1" in text_problems(path)
    monkeypatch.undo()
    core = [one for one in map(describe, find_texts()) if one.anatomy == "core"]
    assert set(live.NO_MODEL) <= {f"{one.chapter}/{one.name}" for one in core}


@pytest.mark.parametrize(
    ("source", "own", "expected"),
    [
        ("live_score = seen + 1", 1.0, "expected keras.utils.set_random_seed(0), got no call"),
        ("1 / 0", FAR, FAR),
    ],
    ids=["no seed", "the lesson has run all five"],
)
def test_a_cell_sets_its_seed_or_has_five_scores_already(monkeypatch, source, own, expected):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    monkeypatch.setattr("keras.utils.set_random_seed", None)  # a kernel keeps what replaces it
    names = {"live_score": own, "_before_live": {"seen": 0}}
    if isinstance(expected, str):
        with pytest.raises(RuntimeError) as raised:
            live.run_again(names, source, live.OTHER_SEEDS, "scores")
        assert expected in str(raised.value)
    else:
        live.run_again(names, source, live.OTHER_SEEDS, "scores")
        assert shown == [{"scores": expected}]
