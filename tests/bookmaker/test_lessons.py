import pytest

from bookmaker import lessons
from recsys_lib.book import places
from recsys_lib.book.places import LessonError


def test_finds_lessons_in_order_and_leaves_exercises_alone(chapters):
    second = chapters.write(chapter="01_b", name="01_x")
    first = chapters.write(chapter="00_a", name="02_y")
    chapters.write(chapter="00_a", name="02_y.exercises")
    chapters.write(chapter="00_a", name="notes")
    chapters.write(chapter="drafts", name="01_z")
    assert lessons.find_texts(chapters.folder) == [first, second]


def test_selects_by_name_chapter_and_path(chapters):
    first = chapters.write(chapter="00_a", name="01_x")
    second = chapters.write(chapter="01_b", name="01_y")
    for name in ("01_x", "00_a", str(first), str(first.with_suffix(".ipynb")), str(first.parent)):
        assert lessons.select_texts([name], chapters.folder) == [first]
    assert lessons.select_texts([], chapters.folder) == [first, second]
    with pytest.raises(LessonError, match=r"01_w: no lesson of this name; lessons: 01_x, 01_y"):
        lessons.select_texts(["01_w"], chapters.folder)


def test_cell_ids_are_stable_unique_and_depend_on_content(chapters, overview):
    twice = overview + "\n```{code-cell} ipython3\n1 + 1\n```\n" * 2
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
    assert (lesson.title, lesson.minutes, lesson.seconds) == ("A small lesson", 5, 3)
    assert (lesson.chapter, lesson.name, lesson.anatomy) == ("00_small", "01_small", "overview")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minutes: 5", "minutes: five", "`lesson.minutes` must be a non-empty int, got 'five'"),
        ("  minutes: 5\n", "", "`lesson.minutes` must be a non-empty int, got None"),
        ("minutes: 5", "minutes: true", "`lesson.minutes` must be a non-empty int, got True"),
        ("anatomy: overview", "anatomy: short", "must be one of core, .*, lab, got .short."),
        ("seconds: 3", "second: 3\n  seconds: 3", "unknown keys: \\['second'\\]"),
        ("lesson:\n", "chapter:\n", "no mapping `lesson`"),
    ],
)
def test_names_what_is_wrong_in_the_front_matter(chapters, overview, old, new, message):
    path = chapters.write(overview.replace(old, new, 1))
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
        places.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
