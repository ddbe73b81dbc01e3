"""A seed exchanges numbers, tasks and the order of options, and nothing else; faults are named."""

import hashlib
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from exercise_text import CODE, HEAD, RECALL, small

from bookmaker.lessons import variants as instructors
from recsys_book.exercises.draws import Draw
from recsys_book.exercises.literals import WIDTH, literal
from recsys_book.exercises.parsing import ExerciseError
from recsys_book.exercises.source import find_sources, read_source, source_of
from recsys_book.exercises.variants import variant_of

CONVERTED = ("01_the_ranking_stage", "01_wide_and_deep", "01_fm", "01_din")
BOOK = [read_source(path) for path in find_sources()]
RECALLS = [
    pytest.param(file, one, id=one.identifier)
    for file in BOOK
    for one in file.exercises
    if one.kind == "recall"
]
VARYING = (
    CODE.replace("varies: no", "varies: task\n`factor`: 2, 3, 4, 5, 6, 7, 8, 9")
    .replace("Write `twice(x)`.", "Write `twice(x)`«||: «factor»\ntimes x».")
    .replace("2 * ", "«factor» * ")
    .replace("np.array([0, 2, 4])", "«np.array([0, 2, 4])||«array»»")
    + """
### Variant

Another factor.

```{code-cell} ipython3
array = f"{factor} * np.arange(3)"
exchange_cases([call(1), call(draw.integer(2, 5), why="more")])
```
"""
)


def varying(folder, old="", new=""):
    assert old in VARYING
    return small(folder, HEAD + VARYING.replace(old, new, 1))


@pytest.mark.parametrize("seed", [None, 0, 7, 2026])
@pytest.mark.parametrize("lesson", CONVERTED)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_variant_holds(lesson, seed):
    # Its solution passes, each recorded mistake fails, the book's solution is no answer.
    assert instructors.faults(read_source(source_of(lesson)), seed) == []


@pytest.mark.parametrize("lesson", CONVERTED)
def test_every_exercise_says_what_varies_and_does(lesson):
    file = read_source(source_of(lesson))
    drawn = [variant_of(file, seed).exercises for seed in range(6)]
    for number, one in enumerate(file.exercises):
        assert one.varies in ("task", "numbers", "options")
        texts = {texts_of(exercises[number]) for exercises in drawn}
        assert len(texts) >= 3
        assert texts_of(one) not in texts or one.varies == "numbers"
        same = ("identifier", "kind", "points", "minutes", "title")
        for exercises in drawn:
            assert all(getattr(exercises[number], name) == getattr(one, name) for name in same)
            public = exercises[number].public
            assert "def " not in public and "lambda" not in public


def texts_of(one):
    return one.statement, one.solution, one.public, one.hidden


def test_the_book_itself_is_the_variant_without_a_seed():
    for file in BOOK:
        assert variant_of(file, None) is file


def test_equal_seeds_give_equal_texts_in_another_process():
    code = (
        "import hashlib\nfrom recsys_book.exercises.source import read_source, source_of\n"
        "from recsys_book.exercises.variants import variant_of\n"
        f"for lesson in {CONVERTED}:\n"
        "    text = repr(variant_of(read_source(source_of(lesson)), 2026).exercises)\n"
        "    print(hashlib.sha256(text.encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "5"}
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    here = [
        hashlib.sha256(
            repr(variant_of(read_source(source_of(lesson)), 2026).exercises).encode()
        ).hexdigest()
        for lesson in CONVERTED
    ]
    assert there.stdout.split() == here


def test_draws_are_the_same_for_ever():
    # Recorded once: a course's assignment is written again in later years.
    draw = Draw("2026/some.exercise")
    assert draw.integers(0, 99, 2, 3).tolist() == [[91, 64, 24], [49, 43, 97]]
    assert draw.numbers(-1, 1, 3, digits=2).tolist() == [0.89, -0.63, 0.62]
    assert draw.shuffled("abcde") == ["e", "a", "d", "b", "c"]
    assert Draw("2027/some.exercise").integers(0, 99, 2, 3).tolist() != [[91, 64, 24], [49, 43, 97]]


def test_draws_reach_both_ends_and_nothing_beyond():
    draw = Draw("ends")
    throws = draw.integers(1, 6, 60_000)
    assert np.all(np.abs(np.bincount(throws, minlength=7)[1:] - 10_000) < 500)
    assert set(draw.numbers(0.1, 0.3, 200).tolist()) == {0.1, 0.2, 0.3}
    assert {draw.choice("ab") for _ in range(20)} == {"a", "b"}
    assert draw.integer(-3, -3) == -3
    for low, high in ((2, 1), (0, 2**32)):
        with pytest.raises(ValueError, match="expected low <= high"):
            draw.integer(low, high)


def options_in(statement):
    items = re.split(r"\n- \*\*", "\n" + statement.partition("\n- **")[2].join(["- **", ""]))[1:]
    return {item[0]: item[len("a** ") :] for item in items}


def letters_in(code, pattern=r'"([a-z]+)"$'):
    return re.search(pattern, code.strip().replace("### END SOLUTION", "").strip())[1]


@pytest.mark.parametrize(("file", "one"), RECALLS)
def test_options_change_their_order_and_all_letters_follow(file, one):
    place = file.exercises.index(one)
    old = options_in(one.statement)
    orders = set()
    for seed in range(4):
        new_one = variant_of(file, seed).exercises[place]
        new = options_in(new_one.statement)
        orders.add(tuple(new.values()))
        assert list(new) == list(old) and sorted(new.values()) == sorted(old.values())
        assert new_one.statement.partition("- **")[0] == one.statement.partition("- **")[0]

        def chosen(options, letters):
            return sorted(options[letter] for letter in letters)

        right, before = letters_in(new_one.solution), letters_in(one.solution)
        assert chosen(new, right) == chosen(old, before) and right != before
        assert f'right="{right}"' in new_one.hidden and "right" not in new_one.public
        for mistake, of_book in zip(new_one.mistakes, one.mistakes, strict=True):
            assert chosen(new, letters_in(mistake.code)) == chosen(old, letters_in(of_book.code))
        for text, of_book in (
            (new_one.explanation, one.explanation),
            *((m.text, b.text) for m, b in zip(new_one.mistakes, one.mistakes, strict=True)),
        ):
            bold = r"\*\*([a-z])\*\*"
            found, wanted = re.findall(bold, text), re.findall(bold, of_book)
            assert [new[letter] for letter in found] == [old[letter] for letter in wanted]
            assert re.sub(bold, "", text) == re.sub(bold, "", of_book)
    assert len(orders) > 1


def test_an_option_that_speaks_of_the_others_stays_last(tmp_path):
    file = small(tmp_path, HEAD + RECALL.replace("**c** The\n  third", "**c** None of these"))
    for seed in range(8):
        (one,) = variant_of(file, seed).exercises
        assert one.statement.endswith("- **c** None of these.")
        assert letters_in(one.solution) == "a"


def test_marks_change_text_and_a_cell_draws_cases(tmp_path):
    (one,) = variant_of(varying(tmp_path), 3).exercises
    factor = int(re.search(r"`: (\d)\ntimes", one.statement)[1])
    assert f"result = {factor} * x" in one.solution
    assert one.starter == 'def twice(x):\n    """Twice x."""\n    # your code here'
    more = int(re.search(r"case\((\d), expected=\d+, why=", one.public)[1])
    assert one.public == (
        "check_cases(\n    twice,\n    [\n"
        f"        case(1, expected={factor}),\n"
        f'        case({more}, expected={factor * more}, why="more"),\n    ],\n)'
    )
    assert one.mistakes[1].code.endswith(f"return {factor} * int(x)")
    assert instructors.faults(varying(tmp_path), 3) == []


def test_names_hints_and_mistakes_can_vary(tmp_path):
    code = VARYING.replace("twice(", "«twice||times»(").replace("(twice,", "(«twice||times»,")
    code = code.replace("Add it to\n   itself.", "Add it «to\n   itself||up».")
    code = code.replace("Knows\nnumbers", "«Knows\nnumbers||Sees»")
    squares = code.partition("Public: Squares.")[2].partition("Hidden:")[0]
    code = code.replace(squares, "\n`«factor» * x` -> `x«||**«factor»»`\n\n")
    file = small(tmp_path, HEAD + code)
    (one,) = variant_of(file, 1).exercises
    assert (one.target, one.title, one.hints[0]) == ("times", "Twice", "Add it up.")
    assert one.mistakes[1].text == "Sees only."
    factor = re.search(r"result = (\d) \* x", one.solution)[1]
    assert f'def times(x):\n    """Twice x."""\n    result = x**{factor}\n' in one.mistakes[0].code
    assert instructors.faults(file, 1) == []


def test_each_exercise_draws_for_itself(tmp_path):
    again = RECALL.replace("small.letter", "small.other")
    file = small(tmp_path, HEAD + RECALL + again)
    drawn = [variant_of(file, seed).exercises for seed in range(8)]
    assert any(one.statement != other.statement for one, other in drawn)


def test_what_stands_around_the_cases_stays(tmp_path):
    code = VARYING.replace(
        'check_cases(twice, [case(1, expected=2), case(3, expected=6, why="three")])',
        "# Umlaute: äöü.\nassert twice(0) == 0\n"
        "check_cases(twice, [case(1, expected=2)], atol=0.5)  # near\nassert twice(0) == 0",
    )
    (one,) = variant_of(small(tmp_path, HEAD + code), 1).exercises
    assert one.public.startswith("# Umlaute: äöü.\nassert twice(0) == 0\ncheck_cases(\n    twice,")
    assert one.public.endswith("    ],\n    atol=0.5,\n)  # near\nassert twice(0) == 0")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("«factor» * x", "«2||«facto»» * x", "«facto»: NameError: name 'facto' is not defined"),
        ("array = f", "array = drew, f", "line 1: NameError: name 'drew' is not defined"),
        ("array = f", "array = = f", "line 1: SyntaxError"),
        ("exchange_cases([call(1)", "exchange_cases([1", "expected a list of call"),
        ('why="more")])', 'why="more")], "hints")', "expected public or hidden, got 'hints'"),
        ("call(1)", "call(None)", "the solution's values: TypeError: unsupported operand"),
        ("call(1)", "call(b'1')", "the solution's values: TypeError: literal: expected numbers"),
        ("«factor» * x", "«2||=» * x", "the solution cell is not Python"),
        ('f"{factor} * np', '"= = np', "Variant: the hidden test is not Python"),
        ("«factor» * int", "«2||=» * int", "Variant: the mistake is not Python"),
        ("[case(1, expected=2), case", "[case(0, expected=0)] + [case", "check_cases(function, ["),
    ],
)
def test_faults_of_a_cell_are_one_line_with_file_and_exercise(tmp_path, old, new, message):
    file = varying(tmp_path, old, new)
    with pytest.raises(ExerciseError) as caught:
        variant_of(file, 1)
    assert str(caught.value).startswith(f"{file.path}: exercise 'Twice': ")
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (VARYING.replace("varies: task", "varies: colours"), "expected numbers, task, no, got 'c"),
        (VARYING.replace("varies: task", "varies: options"), "expected numbers, task, no, got 'o"),
        (VARYING.replace("varies: task", "varies: no"), "expected the section 'Variant'"),
        (CODE.replace("varies: no", "varies: task"), "expected the section 'Variant'"),
        (VARYING.replace("Another factor.", ""), "expected the section 'Variant', a sentence and"),
        (RECALL.replace("1 minute", "1 minute, varies: task"), "expected options, no, got 'task'"),
    ],
)
def test_what_varies_and_its_cell_belong_together(tmp_path, text, message):
    with pytest.raises(ExerciseError, match=r"01_small.exercises.md: exercise '") as caught:
        small(tmp_path, HEAD + text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- **b** The second.\n- **c** The\n  third.\n", "", "expected a list of options"),
        ("- **c** The", "- **d** The", "expected a list of options"),
        ("**b** It", "**z** It", "expected letters among abc in order, got 'z'"),
        ("- **a** That", "- **ba** That", "expected letters among abc in order, got 'ba'"),
    ],
)
def test_options_that_cannot_be_read_are_named(tmp_path, old, new, message):
    assert old in RECALL
    with pytest.raises(ExerciseError) as caught:
        small(tmp_path, HEAD + RECALL.replace(old, new))
    assert "01_small.exercises.md: exercise 'A letter': " in str(caught.value)
    assert message in str(caught.value)


def test_a_recall_exercise_may_keep_its_order(tmp_path):
    file = small(tmp_path, HEAD + RECALL.replace("1 minute", "1 minute, varies: no"))
    assert variant_of(file, 1).exercises == file.exercises


def test_a_seed_is_a_whole_number():
    for seed in (True, 2.5, "2026"):
        with pytest.raises(TypeError):
            variant_of(BOOK[0], seed)
    assert variant_of(BOOK[2], np.int64(7)).exercises == variant_of(BOOK[2], 7).exercises


@pytest.mark.parametrize(
    "value",
    [
        3,
        -0.125,
        True,
        None,
        'it\'s "quoted"',
        (1,),
        [(1, 2.5), "a"],
        {"a": [1, {2: None}]},
        np.array([[1.5, np.nan], [np.inf, -np.inf]]),
        np.array([2**40]),
        np.array([5, 6], np.int32),
        np.zeros((0, 3), np.float32),
        np.array([], int),
        np.arange(120.0).reshape(4, 30),
        np.array([[True, False]]),
    ],
    ids=str,
)
def test_a_literal_is_the_value(value):
    text = literal(value, 8)
    again = eval(text, {"np": np})
    assert type(again) is type(value)
    if isinstance(value, np.ndarray):
        assert again.dtype == value.dtype
        np.testing.assert_array_equal(again, value)
    else:
        assert again == value
    assert max(map(len, text.splitlines())) < WIDTH


def test_a_literal_leaves_out_what_differs_between_processors():
    assert literal(np.array([1 / 3, 0.1 + 0.2, -0.0])) == "np.array([0.3333333333, 0.3, 0.0])"
    for value in (np.array(["a"]), object(), b"a"):
        with pytest.raises(TypeError, match="literal: expected"):
            literal(value)
