import pytest
from nbformat.v4 import new_markdown_cell, new_output

from bookmaker.__main__ import main
from bookmaker.building import evidence
from bookmaker.checks import lesson_checks
from bookmaker.lessons.anatomies import HEADINGS
from bookmaker.lessons.figures import WITHHELD
from recsys_book.plotting.frames import FRAMES


@pytest.fixture
def sound(chapters):
    path = chapters.write()
    chapters.fake(path)
    return path


LINKS_MISSING = (
    "the links at head and foot are missing or not those of the book's order; "
    "run `python -m bookmaker links`"
)


def the_only_problem(path):
    problems = lesson_checks.check_lesson(path)
    assert len(problems) == 1, problems
    return problems[0]


def test_a_sound_lesson_has_no_problem(sound):
    assert lesson_checks.check_lesson(sound) == []


def test_finds_a_missing_notebook(chapters):
    assert "01_small.ipynb: missing" in the_only_problem(chapters.write())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total = 2 + 2", "total = 1 + 3"),
        ("The sum is four [", "The sum is 4 ["),
        ("[hide-input]", "[hide-input, nbval-skip]"),
        ("## References\n\nNone.\n", "## References\n\n+++\n\nNone.\n"),
        ("seconds: 3", "seconds: 4"),
    ],
)
def test_finds_a_stale_pair(sound, chapters, survey, old, new):
    assert old in survey
    chapters.write(survey.replace(old, new))
    problems = " ".join(lesson_checks.check_lesson(sound))
    assert "01_small.ipynb: stale: not what a build makes of the text" in problems


def test_finds_a_cell_that_the_text_lacks(sound, chapters):
    extra = new_markdown_cell("More.")
    chapters.fake(sound, lambda notebook: notebook.cells.append(extra))
    assert "stale: not what a build makes" in the_only_problem(sound)


TWO_IN_ONE = {"frames": [{"png": "x", "sentence": one} for one in "ABB"]}


def change_first_code_cell(**changes):
    def change(notebook):
        notebook.cells[1].update(**changes)

    return change


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"execution_count": None}, "01_small.ipynb: stale: not what a build makes"),
        ({"execution_count": 7}, "cell 2 has execution count 7, expected 1"),
        (
            {"outputs": [new_output("stream", name="stderr", text="Warning: x\n")]},
            "cell 2 wrote to stderr: 'Warning: x",
        ),
        (
            {"outputs": [new_output("error", ename="KeyError", evalue="'x'", traceback=[])]},
            "cell 2 ended with KeyError: 'x'",
        ),
        (
            {"outputs": [new_output("stream", name="stdout", text="in /srv/books/data\n")]},
            "cell 2 shows a path of the machine it ran on: /srv/books/data",
        ),
        (
            {"metadata": {WITHHELD: [new_output("stream", name="stdout", text="/srv/books/x\n")]}},
            "cell 2 shows a path of the machine it ran on: /srv/books/x",
        ),
        (
            {"outputs": [new_output("display_data", data={FRAMES: TWO_IN_ONE, "text/plain": "A"})]},
            "cell 2: expected another picture for each sentence of the slider, got one for ['A', ",
        ),
        (
            {"outputs": [new_output("execute_result", data={"text/plain": r"'C:\Users\a'"})]},
            r"cell 2 shows a path of the machine it ran on: C:\Users\a",
        ),
    ],
)
def test_finds_faults_of_execution(sound, chapters, changes, what):
    chapters.fake(sound, change_first_code_cell(**changes))
    assert what in the_only_problem(sound)


@pytest.mark.parametrize(
    "text", ["3/4 of 1/2", "a/b/c", "https://zenodo.org/records/1", "<td>x</td>", "and/or", "//"]
)
def test_what_is_no_machine_path(text):
    assert lesson_checks.machine_paths(text) == set()


@pytest.mark.parametrize(
    ("lines", "tags", "sound"),
    [(30, "", True), (31, "", False), (31, "long-cell", True), (41, "long-cell", False)],
)
def test_finds_long_cells(chapters, survey, lines, tags, sound):
    source = "\n".join(f"x = {number}" for number in range(lines))
    tags = f":tags: [{tags}]\n\n" if tags else ""
    path = chapters.write(f"{survey}\n```{{code-cell}} ipython3\n{tags}{source}\n```\n")
    main(["--chapters", str(chapters.folder), "cells"])
    chapters.fake(path)
    problems = lesson_checks.check_lesson(path)
    assert (problems == []) is sound
    assert sound or f"cell 6 has {lines} lines" in problems[0]


def test_finds_an_empty_code_cell(chapters, survey):
    path = chapters.write(f"{survey}\n```{{code-cell}} ipython3\n\n```\n")
    chapters.fake(path)
    assert "cell 6 is an empty code cell" in the_only_problem(path)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("## In short", "## In sum", "heading `## In short` appears 0 times"),
        ("# A small lesson\n", "# Another title\n", "expected one heading `# A small lesson`"),
        ("**Time.**", "Time.", "lacks `**Time.**`"),
        (
            "**Question.** Is four two twos?",
            "**Question.** Is it?",
            "repeat the front matter's 'Is four",
        ),
        ("**Time.** 2 minutes", "**Time.** 50 hours", "the front matter's '2 minutes"),
        ("about 3 seconds", "half an hour", "in about 3 seconds on two idle cores.'; run"),
        ("`recsys_book`\n", "`recsys_lib.data`\n", "the front matter's '`recsys_book`'"),
        ("seconds: 3", "seconds: 26", "runs 26 s, at most 25 s"),
        ("None.\n\n**Time", "None.\n\n## In short\n\n**Time", "appears 2 times"),
    ],
)
def test_finds_faults_of_anatomy(chapters, survey, old, new, what):
    assert old in survey
    path = chapters.write(survey.replace(old, new))
    chapters.fake(path)
    assert what in " ".join(lesson_checks.check_lesson(path))


def test_a_heading_in_a_fenced_block_is_no_heading(chapters, survey):
    path = chapters.write(survey.replace("## In short", "```\n## In short\n```"))
    chapters.fake(path)
    assert "heading `## In short` appears 0 times" in the_only_problem(path)


def test_a_core_lesson_needs_every_part(chapters, survey):
    path = chapters.write(survey.replace("anatomy: survey", "anatomy: core"))
    chapters.fake(path)
    missing = set(HEADINGS["core"]) - set(HEADINGS["survey"])
    problems = lesson_checks.check_lesson(path)
    assert f"{path}: expected 1 cells with the tag live, got 0" in problems
    assert all(any(f"`## {heading}` appears 0" in p for p in problems) for heading in missing)
    assert any("expected an exercise in place" in one for one in problems)
    assert any("expected a decision box under In short" in one for one in problems)
    assert len(missing) == 2 and len(problems) == 5


def test_the_book_needs_a_fresh_start_page_and_ledger(sound, chapters):
    folder = chapters.folder
    assert [p.split(": ")[1] for p in lesson_checks.check_book(folder)] == [
        "not what the lessons say; run `make book`",
        "not what records and lessons say; run `make book`",
        LINKS_MISSING,
    ]
    assert main(["--chapters", str(folder), "index"]) == 0
    assert main(["--chapters", str(folder), "ledger"]) == 0
    assert main(["--chapters", str(folder), "links"]) == 0
    assert lesson_checks.check_book(folder) == []
    assert main(["--chapters", str(folder), "check"]) == 0

    page = evidence.path_of(folder)
    page.write_text(page.read_text().replace("is four", "is five"))
    (problem,) = lesson_checks.check_book(folder)
    assert "FINDINGS.md: not what records and lessons say" in problem
    assert main(["--chapters", str(folder), "check"]) == 1


def test_finds_a_notebook_without_text(sound, chapters):
    orphan = sound.with_name("02_orphan.ipynb")
    orphan.write_bytes(sound.with_suffix(".ipynb").read_bytes())
    sound.with_name("01_small.exercises.ipynb").write_text("{}")
    assert lesson_checks.check_book(chapters.folder) == [
        f"{orphan}: notebook without a text of the same name"
    ]


def test_finds_a_sentence_that_two_lessons_check(sound, chapters):
    second = chapters.write(name="02_small")
    chapters.fake(second)
    (problem,) = lesson_checks.check_book(chapters.folder)
    assert "exact small.sum is already checked in" in problem
