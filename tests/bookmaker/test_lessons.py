import pytest
from pair_text import CORE, DEEPER, fake_pair, write_pair

from bookmaker.lessons import lessons
from recsys_book.base import paths
from recsys_book.base.paths import LessonError


def test_finds_lessons_in_order_and_leaves_exercises_alone(chapters):
    second = chapters.write(chapter="01_b", name="01_x")
    first = chapters.write(chapter="00_a", name="02_y")
    chapters.write(chapter="00_a", name="02_y.exercises")
    chapters.write(chapter="00_a", name="notes")
    chapters.write(chapter="drafts", name="01_z")
    assert lessons.find_texts(chapters.folder) == [first, second]


def test_a_companion_stands_behind_its_lesson_and_labs_stand_last(chapters):
    names = ("01_fm", "01_fm.deeper", "01_fm_too", "01b_x", "02_afm", "02_afm.deeper", "lab_clicks")
    for name in reversed(names):
        chapters.write(chapter="00_a", name=name)
        chapters.write(chapter="00_a", name="01_fm.exercises")
    assert [path.stem for path in lessons.find_texts(chapters.folder)] == list(names)


def test_a_lesson_and_its_companion_are_chosen_by_their_own_names(chapters):
    core, deeper = fake_pair(chapters)
    for path in (core, deeper):
        for name in (path.stem, str(path), str(path.with_suffix(".ipynb")), str(path)[:-3]):
            assert lessons.select_texts([name], chapters.folder) == [path]
    assert lessons.select_texts(["00_small"], chapters.folder) == [core, deeper]


def test_selects_by_name_chapter_and_path(chapters):
    first = chapters.write(chapter="00_a", name="01_x")
    second = chapters.write(chapter="01_b", name="01_y")
    for name in ("01_x", "00_a", str(first), str(first.with_suffix(".ipynb")), str(first.parent)):
        assert lessons.select_texts([name], chapters.folder) == [first]
    assert lessons.select_texts([], chapters.folder) == [first, second]
    with pytest.raises(LessonError, match=r"01_w: no lesson of this name; .* 00_a/01_x, 01_b/01_y"):
        lessons.select_texts(["01_w"], chapters.folder)


def test_labs_of_one_name_are_told_apart_by_their_chapters(chapters):
    labs = [chapters.write(chapter=chapter, name="lab_x") for chapter in ("00_a", "01_b")]
    assert lessons.select_texts(["lab_x"], chapters.folder) == labs
    assert lessons.select_texts(["01_b/lab_x"], chapters.folder) == labs[1:]
    with pytest.raises(LessonError, match=r"lessons: 00_a/lab_x, 01_b/lab_x$"):
        lessons.select_texts(["02_c/lab_x"], chapters.folder)


def test_cell_ids_are_stable_unique_and_depend_on_content(chapters, survey):
    twice = survey + "\n```{code-cell} ipython3\n1 + 1\n```\n" * 2
    path = chapters.write(twice)
    identifiers = [cell.id for cell in lessons.read_text(path).cells]
    assert len(set(identifiers)) == len(identifiers)
    assert identifiers == [cell.id for cell in lessons.read_text(path).cells]
    changed = chapters.write(twice.replace("total = 2 + 2", "total = 1 + 3"))
    differing = [
        before != after.id
        for before, after in zip(identifiers, lessons.read_text(changed).cells, strict=True)
    ]
    assert sum(differing) == 1


def test_describes_the_front_matter(chapters):
    lesson = lessons.describe(chapters.write())
    assert (lesson.title, lesson.library, lesson.seconds) == ("A small lesson", "recsys_book", 3)
    assert (lesson.chapter, lesson.name, lesson.anatomy) == ("00_small", "01_small", "survey")


def test_a_lesson_names_what_it_builds_on_and_no_minutes(chapters):
    core, deeper = write_pair(chapters)
    core.write_text(core.read_text().replace("[]", "[00_small/01_x, 00_a/02b_y]"))
    lesson, companion = lessons.describe(core), lessons.describe(deeper)
    assert (lesson.anatomy, companion.anatomy) == ("core", "deeper")
    assert lesson.prerequisites == ("00_small/01_x", "00_a/02b_y")
    assert companion.prerequisites is None
    assert lesson.minutes is None and not lesson.is_lab and not companion.is_lab
    assert (companion.name, companion.notebook_path.name) == (
        "01_small.deeper",
        "01_small.deeper.ipynb",
    )


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (CORE, "seconds:", "minutes: 35\n  seconds:", r"unknown keys: \['minutes'\]"),
        (CORE, "  prerequisites: []\n", "", "`lesson.prerequisites` must be a list .* got None"),
        (CORE, "[]", "02_b/01_fm", "`lesson.prerequisites` must be a list of texts, got '02_b"),
        (CORE, "[]", "[01_fm]", "names such as 02_second_order_crosses/01_fm, got '01_fm'"),
        (CORE, "[]", "[02_b/01_x.deeper]", "names such as .* got '02_b/01_x.deeper'"),
        (
            CORE,
            "[]",
            "[02_b/01_x, 02_b/01_x]",
            "prerequisites` must be a list without repetitions",
        ),
        (CORE, "[]", "[]\n  numbers: ['7.5']", r"unknown keys: \['numbers'\]"),
        (CORE, "anatomy: core", "anatomy: deeper", "deeper` and a file's name `....deeper.md` go"),
        (CORE, "anatomy: core", "anatomy: lab", "non-empty int, got None"),
        (DEEPER, "seconds:", "minutes: 3\n  seconds:", r"unknown keys: \['minutes'\]"),
        (DEEPER, "deeper\n---", "deeper\n  prerequisites: []\n---", "keys: \\['prerequisites'\\]"),
        (
            DEEPER,
            "anatomy: deeper",
            "anatomy: core\n  prerequisites: []",
            "go together, got 'core'",
        ),
    ],
)
def test_names_what_is_wrong_in_the_front_matter_of_a_pair(chapters, text, old, new, message):
    assert old in text
    core, deeper = write_pair(chapters)
    path = deeper if text is DEEPER else core
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(LessonError, match=message):
        lessons.describe(path)


def test_a_companion_needs_its_lesson(chapters):
    core, deeper = write_pair(chapters)
    core.unlink()
    with pytest.raises(LessonError, match="expected the companion of a lesson, got no 01_small"):
        lessons.describe(deeper)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seconds: 3", "seconds: three", "`lesson.seconds` must be a non-empty int, got 'three'"),
        ("  seconds: 3\n", "", "`lesson.seconds` must be a non-empty int, got None"),
        ("seconds: 3", "seconds: true", "`lesson.seconds` must be a non-empty int, got True"),
        ("anatomy: survey", "anatomy: short", "must be one of core, .*, lab, got .short."),
        ("  anatomy: survey\n", "", "must be one of core, .*, lab, got None"),
        ("seconds: 3", "second: 3\n  seconds: 3", "unknown keys: \\['second'\\]"),
        ("lesson:\n", "chapter:\n", "no mapping `lesson`"),
    ],
)
def test_names_what_is_wrong_in_the_front_matter(chapters, survey, old, new, message):
    path = chapters.write(survey.replace(old, new, 1))
    with pytest.raises(LessonError, match=message) as failure:
        lessons.describe(path)
    assert str(path) in str(failure.value)


def test_names_a_text_that_is_no_notebook(chapters):
    path = chapters.write("---\nlesson: {title: [\n---\n\n# A\n")
    with pytest.raises(LessonError, match="not a MyST notebook"):
        lessons.read_text(path)


def test_names_a_file_that_is_no_notebook(tmp_path):
    path = tmp_path / "x.ipynb"
    with pytest.raises(LessonError, match="missing"):
        lessons.read_notebook(path)
    path.write_text("{")
    with pytest.raises(LessonError, match="not a notebook"):
        lessons.read_notebook(path)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space left"):
        paths.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
