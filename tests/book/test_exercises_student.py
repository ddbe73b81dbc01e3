"""What a student sees in a lesson: statement, verdicts, hints; never a solution, never a crash."""

import time
from types import SimpleNamespace

import pytest
from exercise_text import ALL, small, write

from recsys_book.base import paths
from recsys_book.exercises import check, context, exercise, hint, solution, student
from recsys_book.exercises.parsing import cut_solution

SESSION = {"_hints_given": {}, "_predictions": {}, "_all_hints": set(), "_solved": set()}


@pytest.fixture(autouse=True)
def book(tmp_path, monkeypatch):
    """A book with the small exercises, and a progress file of its own."""
    chapters = tmp_path / "chapters"
    write(chapters)
    monkeypatch.setattr(paths, "CHAPTERS", chapters)
    monkeypatch.setenv("RECSYS_PROGRESS_FILE", str(tmp_path / "progress.json"))
    monkeypatch.delenv("RECSYS_KEEP_PROGRESS", raising=False)
    for name in ("RECSYS_SOLUTIONS", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, empty in SESSION.items():
        monkeypatch.setattr(student, name, type(empty)())
    return chapters


def printed(capsys, *arguments):
    check(*arguments)
    return capsys.readouterr().out.rstrip("\n")


PUBLIC = "\nThese are the public tests; a grade counts hidden ones too."


def test_an_exact_answer(capsys):
    text = printed(capsys, "small.twice", lambda x: x + x)
    assert text == "small.twice: ✓ right: exact on 2 public cases" + PUBLIC


def test_an_approximate_answer_says_how_far_off_it_is(capsys):
    text = printed(capsys, "small.twice", lambda x: 2 * x * (1 + 5e-7))
    assert text.startswith("small.twice: ✓ right on 2 public cases, largest difference 3e-06")


def test_a_wrong_answer_shows_the_first_case_and_no_solution(capsys):
    def twice(x):
        return x + 1

    text = printed(capsys, "small.twice", twice)
    assert text == (
        "small.twice: wrong, case 2 of 2 (three)\n  called    twice(3)\n  expected  6\n"
        "  came      4\n  reason    off by 2" + PUBLIC
    )


def test_the_public_tests_do_not_see_what_only_the_hidden_ones_reject(book):
    file = small(book)
    verdict = student.verdict_of(file, file.exercises[0], lambda x: 2 * int(x))
    assert verdict.status == "exact"


def starter(x):
    """Twice x."""


def unfinished(x):
    raise NotImplementedError


@pytest.mark.parametrize("answer", [(), (...,), (None,), (starter,), (unfinished,)])
def test_a_starter_is_not_attempted_yet(capsys, answer):
    assert printed(capsys, "small.twice", *answer) == "small.twice: not attempted yet"


def test_exceptions_become_a_verdict(capsys):
    def twice(x):
        return [x][5]

    text = printed(capsys, "small.twice", twice)
    assert "raised    IndexError: list index out of range" in text
    assert "return [x][5]" in text and "Traceback" not in text
    assert "SystemExit" in printed(capsys, "small.twice", lambda x: exit(3))


def test_an_endless_loop_is_stopped(capsys, monkeypatch):
    def twice(x):
        while True:
            x += 1

    monkeypatch.setattr(
        student.run_test, "__kwdefaults__", {**student.run_test.__kwdefaults__, "seconds": 0.3}
    )
    started = time.monotonic()
    text = printed(capsys, "small.twice", twice)
    assert text == "small.twice: too slow, did not finish within 0.3 s" + PUBLIC
    assert time.monotonic() - started < 5


def test_a_plain_assert_without_a_message_is_named(capsys, book):
    text = ALL.replace(
        '[case(1, expected=2), case(3, expected=6, why="three")]', "[case(1, expected=2)]"
    )
    text = text.replace("expected=2)])\n", "expected=2)])\nassert twice(4) == 8\n", 1)
    write(book, text)
    text = printed(capsys, "small.twice", lambda x: 2)
    assert text.startswith("small.twice: wrong, this does not hold: twice(4) == 8")


def test_one_of_several_right_letters_is_right_and_not_all(capsys, book):
    write(book, ALL.replace("**b** It", "**bc** It"))
    assert printed(capsys, "small.letter", "c") == "small.letter: right, and not all"
    assert not student.is_solved("small.letter")
    assert printed(capsys, "small.letter", "ab").startswith("small.letter: wrong")
    assert printed(capsys, "small.letter", "cb").startswith("small.letter: ✓ right")


@pytest.mark.parametrize("function", [check, exercise, hint, solution])
def test_no_name_is_one_line(function, capsys):
    name = function.__name__
    expected = f'{name}: expected the name of an exercise, such as "second_order.fm_recall", got '
    for arguments in ((), (3,)):
        function(*arguments)
        assert capsys.readouterr().out == f"{expected}{arguments[0] if arguments else None!r}\n"


def test_a_hint_has_a_name_and_whether_to_restart(capsys):
    hint("small.twice", 2)
    line = "hint small.twice, restart: expected True or False, got 2\n"
    assert capsys.readouterr().out == line


def test_recall_is_explained_once_it_is_right(capsys):
    assert printed(capsys, "small.letter", "b") == (
        "small.letter: ✓ right\n\nIt is the second letter."
    )
    assert printed(capsys, "small.letter", "a") == (
        "small.letter: wrong\n\nThat is the first letter."
    )
    text = printed(capsys, "small.letter", "c")
    assert text == "small.letter: wrong\n  'c' is not right"
    assert "among a, b, c" in printed(capsys, "small.letter", 5)


def test_an_experiment_keeps_the_first_prediction(capsys, tmp_path):
    text = printed(capsys, "small.throw", 0.9)
    assert "predicted  0.9\n  measured   0.52" in text and "first prediction" not in text
    text = printed(capsys, "small.throw", 0.5)
    assert "✓ right: the prediction holds on 1 public case, at most 0.02 from" in text
    assert "your first prediction, before any measurement: 0.9" in text
    # Also in a kernel that was started later.
    student._predictions.clear()
    assert "before any measurement: 0.9" in printed(capsys, "small.throw", 0.5)


def test_an_open_exercise_prints_its_rubric_to_who_has_answered(capsys):
    assert printed(capsys, "small.words") == "small.words: not attempted yet"
    assert "at least 5 words" in printed(capsys, "small.words", "too short")
    text = printed(capsys, "small.words", "five words are enough here")
    assert "an answer is there" in text and "- 4 points: says because." in text


def test_hints_come_one_after_the_other(capsys):
    for _ in range(3):
        hint("small.twice")
    hint("small.twice", restart=True)
    assert capsys.readouterr().out.splitlines() == [
        "Hint 1 of 2: Add it to",
        "itself.",
        "Hint 2 of 2: Multiply.",
        'That was the last of 2 hints. solution("small.twice") shows the solution; '
        'hint("small.twice", restart=True) begins again.',
        "Hint 1 of 2: Add it to",
        "itself.",
    ]


@pytest.fixture
def shown(monkeypatch):
    """In a notebook: what is displayed as Markdown."""
    shown = []
    monkeypatch.setattr(context, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda value: shown.append(value.data))
    return shown


def test_the_statement_is_displayed_without_any_part_of_the_solution(shown):
    exercise("small.twice")
    assert shown == ["**Twice** (code, 3 points, about 2 minutes)\n\nWrite `twice(x)`."]


def test_a_notebook_displays_prose_as_markdown_and_prints_the_verdict(shown, capsys):
    hint("small.twice")
    assert shown.pop() == "**Hint 1 of 2.** Add it to\nitself."
    assert printed(capsys, "small.letter", "b") == "small.letter: ✓ right"
    assert shown.pop() == "It is the second letter."
    assert printed(capsys, "small.letter", "a") == "small.letter: wrong"
    assert shown.pop() == "That is the first letter."
    assert printed(capsys, "small.words", "five words are enough here").endswith("is there")
    assert shown.pop() == "A person judges it by this rubric:\n\n- 4 points: says because."
    assert printed(capsys, "small.twice", starter) == "small.twice: not attempted yet"
    assert shown == []


def test_a_terminal_is_no_notebook(monkeypatch):
    assert not context.in_notebook()
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace())
    assert not context.in_notebook()
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    assert context.in_notebook()


@pytest.mark.parametrize("call", [check, exercise, hint, solution])
def test_without_the_exercises_file_one_line_says_what_is_missing(
    capsys, tmp_path, monkeypatch, call
):
    monkeypatch.setattr(paths, "CHAPTERS", tmp_path / "nowhere")
    call("small.twice")
    out = capsys.readouterr().out
    assert out.startswith(f"{call.__name__}: expected the name of an exercise, such as")
    assert out.endswith(", got 'small.twice'; open the lesson inside the book's folder\n")
    assert out.count("\n") == 1 and str(tmp_path) not in out


def test_a_mistyped_name_is_corrected(capsys):
    assert printed(capsys, "small.twise") == (
        'check: expected the name of an exercise, such as "second_order.fm_recall", '
        "got 'small.twise'; did you mean 'small.twice'?"
    )


def test_a_broken_exercises_file_is_named_without_its_folder(capsys, book, tmp_path):
    write(book, ALL.replace("### Hints", "### Tips"))
    text = printed(capsys, "small.twice", abs)
    assert "01_small.exercises.md: exercise 'Twice': unknown section 'Tips'" in text
    assert str(tmp_path) not in text


def test_verdicts_never_hold_a_line_of_the_solution(book):
    file = small(book)
    for one in file.exercises[:1]:
        given = set(cut_solution(one.solution).splitlines())
        secret = [line.strip() for line in one.solution.splitlines() if line not in given]
        for answer in (abs, lambda x: x, starter, "text", 3):
            verdict = student.verdict_of(file, one, answer)
            text = "\n".join(student.report(one, verdict, answer))
            assert not [line for line in secret if line and line in text]
