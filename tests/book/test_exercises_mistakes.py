"""A wrong answer that is a recorded mistake is told what it gets wrong, and never a hidden case."""

import time

import numpy as np
import pytest
from exercise_text import ALL, small

from recsys_book.base import paths
from recsys_book.exercises import check, student
from recsys_book.exercises.mistakes import known_mistake
from recsys_book.exercises.source import find_sources, read_source
from recsys_book.exercises.verdicts import define


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    monkeypatch.setenv("RECSYS_KEEP_PROGRESS", "0")
    for name in ("RECSYS_SOLUTIONS", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)


def found(folder, answer, text=ALL, number=0, **options):
    file = small(folder, text)
    mistake = known_mistake(file, file.exercises[number], answer, **options)
    return mistake and mistake.text


def other_square(x):
    return x * x if x else 7


def numbers_only(x):
    return int(x) * 2


def test_the_same_results_in_other_words_are_the_same_mistake(tmp_path):
    assert found(tmp_path, numbers_only) == "Knows numbers only."


def test_both_tests_cases_tell_mistakes_apart(tmp_path):
    # As the first mistake on the public cases alone; on the hidden array it fails otherwise.
    text = ALL.replace("return x**2 if x else 7", "return np.where(np.asarray(x) == 0, 7, x**2)")

    def square(x):
        if np.ndim(x):
            raise KeyError("arrays")
        return x**2

    assert found(tmp_path, square, text) is None
    assert found(tmp_path, square, text, with_hidden=False) == "Squares."


def test_an_exception_of_the_same_type_at_the_same_case_is_the_same(tmp_path):
    # The recorded square asks for the truth of the hidden array, as this one does.
    assert found(tmp_path, other_square) == "Squares."

    def raises_another(x):
        if np.ndim(x):
            raise KeyError(x)
        return x * x

    assert found(tmp_path, raises_another) is None


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: 2 * x,
        lambda x: x + x + 1e-9,
        lambda x: x,
        lambda x: np.random.default_rng().normal(),
        lambda x: {1, 2},
        lambda x: exit(3),
        lambda: 0,
        "twice",
        7,
    ],
    ids=["right", "near", "wrong", "random", "a set", "exits", "no argument", "text", "number"],
)
def test_no_mistake_no_text(tmp_path, answer):
    assert found(tmp_path, answer) is None


def test_a_slow_answer_gets_no_text_in_time(tmp_path):
    def slow(x):
        time.sleep(0.25)
        return x**2 if x else 7

    started = time.monotonic()
    assert found(tmp_path, slow, seconds=0.3) is None
    assert time.monotonic() - started < 3
    assert found(tmp_path, slow, seconds=5) == "Squares."


def test_an_endless_mistake_gives_no_text(tmp_path):
    text = ALL.replace("    return x**2 if x else 7", "    while True:\n        pass")
    assert found(tmp_path, other_square, text, seconds=0.3) is None


def test_a_mistake_with_the_results_of_the_reference_is_never_told(tmp_path):
    # Such as one that needs too much memory: an answer like it may be the lean one.
    text = ALL.replace("return 2 * int(x)", "return sum([x, x])")
    assert found(tmp_path, lambda x: x + x, text) is None


def test_predictions_and_numbers(tmp_path):
    assert found(tmp_path, 1.0, number=2) == "Always."
    assert found(tmp_path, 0.9, number=2) is None
    assert found(tmp_path, 0.5, number=2) is None


def test_what_answers_print_or_change_is_not_seen(tmp_path, capsys, recwarn):
    given = []

    def square(x):
        print("called with", x)
        given.append(np.array(x))
        with np.errstate(all="warn"):
            np.float64(1) / np.float64(0)
        return x**2 if x else 7

    assert found(tmp_path, square) == "Squares."
    assert capsys.readouterr().out == "" and len(recwarn) == 0
    assert given[-1].tolist() == [0, 1, 2]


def test_check_tells_it_and_no_hidden_case(tmp_path, monkeypatch, capsys):
    small(tmp_path / "chapters")
    monkeypatch.setattr(paths, "CHAPTERS", tmp_path / "chapters")
    monkeypatch.setattr(student, "_predictions", {})
    monkeypatch.setattr(student, "_solved", set())
    check("small.twice", other_square)
    out = capsys.readouterr().out
    assert "wrong, case 1 of 2" in out and out.endswith("\n\n**A known mistake.** Squares.\n")
    check("small.twice", numbers_only)
    out = capsys.readouterr().out
    assert out == (
        "small.twice: not right yet, though it passes the 2 public cases\n"
        f"{student.PUBLIC_ONLY}\n\n**A known mistake.** Knows numbers only.\n"
    )
    assert not student.is_solved("small.twice")
    # In an assignment, what only a hidden test rejects is for the grade to say.
    monkeypatch.setenv("RECSYS_SOLUTIONS", "0")
    check("small.twice", numbers_only)
    assert "✓ right: exact on 2 public cases" in capsys.readouterr().out


def by_results(file, one, mistake):
    return known_mistake(file, one, define(file.setup, mistake.code, one.target))


FUNCTIONS = [
    pytest.param(file, one, id=one.identifier)
    for file in map(read_source, find_sources())
    for one in file.exercises
    if one.kind in ("code", "derivation", "experiment")
]


@pytest.mark.parametrize(("file", "one"), FUNCTIONS)
def test_the_books_mistakes_are_told_and_its_solutions_are_not(file, one):
    assert known_mistake(file, one, define(file.setup, one.solution, one.target)) is None
    told = [by_results(file, one, mistake) for mistake in one.mistakes]
    for mistake, text in zip(one.mistakes, told, strict=True):
        # Two mistakes with the same results share the first one's text; steps or memory over
        # their limit have the solution's results, and the limit says what is wrong.
        answer = define(file.setup, mistake.code, one.target)
        verdict = student.verdict_of(file, one, answer)
        is_told = text is not None or "expected at most" in verdict.details
        assert is_told or mistake.caught_by == "hidden", mistake.text
    assert mistake_count(told) >= 1


def mistake_count(told):
    return len({mistake.text for mistake in told if mistake is not None})


def softmax_for_the_raw_sum(scores, behaviours, ids):
    real = ids != 0
    powers = np.exp(np.where(real, scores, -1e9))
    weights = powers / np.maximum(powers.sum(axis=1, keepdims=True), 1e-12)
    return np.einsum("bt,btd->bd", weights, np.where(real[..., None], behaviours, 0.0))


def mean_for_the_raw_sum(scores, behaviours, ids):
    return np.stack(
        [
            row[own] @ vectors[own] / max(own.sum(), 1)
            for row, vectors, own in zip(scores, behaviours, ids != 0, strict=True)
        ]
    )


def answers_not_put_back(x, scenario, kernels, biases):
    order = np.argsort(scenario, kind="stable")
    number = np.maximum(scenario[order] - 1, 0)
    return np.einsum("bi,bio->bo", x[order], kernels[number]) + biases[number]


def sum_of_kernels(x, ids, shared, own, bias, own_bias):
    owns = np.concatenate([np.ones((1, *shared.shape)), own])
    biases = np.concatenate([np.zeros((1, len(bias))), own_bias])
    return (x[:, :, None] * (shared + owns[ids])).sum(axis=1) + bias + biases[ids]


@pytest.mark.parametrize(
    ("identifier", "answer", "told"),
    [
        ("memorization.cross_index", lambda i, j, sizes: i * sizes[0] + j, "the first column"),
        ("memorization.cross_index", lambda i, j, sizes: i + np.int64(sizes[0]) * j, "second id"),
        (
            "second_order.senet_reweight",
            lambda v, a, b: np.maximum(np.maximum(v.mean(1) @ a, 0) @ b, 0)[..., None] * v,
            "axis 1",
        ),
        ("sequence.weighted_interest", softmax_for_the_raw_sum, "softmax"),
        ("sequence.weighted_interest", mean_for_the_raw_sum, "mean over the real steps"),
        ("multi_task.log_variance", lambda a, b, x: (np.log(a * x / b), a * b / x), "once more"),
        ("multi_scenario.by_scenario", answers_not_put_back, "never puts them back"),
        ("multi_scenario.star_layer", sum_of_kernels, "Adds the kernels"),
        ("multi_scenario.star_gradients", lambda w, own, g: (g.sum(axis=0), g), "*sum*"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_students_write_in_words_of_their_own_is_named(identifier, answer, told, capsys):
    check(identifier, answer)
    said = capsys.readouterr().out
    assert "**A known mistake.**" in said and told in said
