"""What students sent is filed into the course; what was filed before is kept."""

import os
import sys

import nbformat
import pytest
from grading_helpers import (
    FIRST,
    SECOND,
    cell,
    copy_course,
    fill,
    make_course,
    student_version,
    submit,
    two_files,
)

from bookmaker.__main__ import main
from bookmaker.grading.collect import collect
from bookmaker.grading.course import GradingError
from bookmaker.grading.roster import import_roster, read_roster
from bookmaker.grading.submissions import NOT_OF_IT, THE_LESSON
from recsys_book.base.paths import CHAPTERS, LessonError

pytest.importorskip("nbgrader", reason="the instructors' extra is not installed")

ROSTER = """\
id,first_name,last_name,email,lms_user_id,section
ann,Ann,Lee,ann@example.org,4711,A
bob,Bob,Ray,,4712,B
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return two_files(tmp_path_factory.mktemp("chapters"))


@pytest.fixture(scope="module")
def released(files, tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("collect") / "course", files)


@pytest.fixture
def course(released, tmp_path):
    return copy_course(released, tmp_path / "course")


@pytest.fixture
def given(course):
    return student_version(course, FIRST)


def lines(folder, course, lesson=""):
    return {(student, lesson): text for student, lesson, text in collect(folder, course, lesson)}


def filed(course, student, lesson=FIRST):
    return nbformat.read(
        course.path("submitted", student, lesson) / f"{lesson}.ipynb", as_version=4
    )


def sources(notebook):
    return [one.source for one in notebook.cells if "nbgrader" in one.metadata]


def test_a_submission_is_filed_with_its_tests_put_back(course, given, files, tmp_path):
    def change(notebook):
        fill(files[0])(notebook)
        cell(notebook, "small-twice--public").source = "pass"

    path = submit(tmp_path / "sent", "ann", FIRST, given, change)
    os.utime(path, (1_800_000_000, 1_800_000_000))
    remark = "cell small-twice--public was changed; the original was put back"
    assert lines(tmp_path / "sent", course) == {("ann", FIRST): [remark]}
    notebook = filed(course, "ann")
    assert cell_of(notebook, "small-twice").source == files[0].exercises[0].solution
    assert cell_of(notebook, "small-twice--public").source.startswith("check_cases(twice")
    # Whoever grades, and the student who reads the feedback, see what was put back.
    assert notebook.cells[0].cell_type == "markdown" and remark in notebook.cells[0].source
    folder = course.path("submitted", "ann", FIRST)
    assert (folder / "timestamp.txt").read_text() == "2027-01-15 08:00:00.000000 UTC"
    record = course.record("ann", FIRST)
    kept = course.path("received", "ann", FIRST) / record["counts"] / f"{FIRST}.ipynb"
    assert kept.read_bytes() == path.read_bytes()
    assert (record["answers"], record["graded"]) == (4, {})


def cell_of(notebook, identifier):
    return next(
        one
        for one in notebook.cells
        if one.metadata.get("nbgrader", {}).get("grade_id") == identifier
    )


def test_collecting_again_is_nothing_new(course, given, tmp_path):
    submit(tmp_path / "sent", "ann", FIRST, given)
    assert lines(tmp_path / "sent", course) == {("ann", FIRST): []}
    before = {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}
    assert lines(tmp_path / "sent", course) == {}
    assert {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("answers", "ages", "counts"),
    [((1, 4), (9, 5), "b"), ((4, 1), (5, 9), "a"), ((2, 2), (5, 9), "b"), ((2, 2), (9, 5), "a")],
)
def test_of_two_files_the_fuller_counts_and_else_the_newer(
    course, given, files, tmp_path, answers, ages, counts
):
    for name, count, age in zip("ab", answers, ages, strict=True):

        def change(notebook, name=name, count=count):
            for one in files[0].exercises[:count]:
                cell(notebook, one.identifier.replace(".", "-")).source = f"answer = {name!r}"

        path = submit(tmp_path / "sent", "ann", FIRST, given, change)
        path = path.rename(path.with_name(f"{name}.ipynb"))
        os.utime(path, (age, age))
    other = "ab".replace(counts, "")
    most = answers["ab".index(counts)]
    assert lines(tmp_path / "sent", course) == {
        ("ann", FIRST): [f"2 files: {counts}.ipynb with {most} answers counts, not {other}.ipynb"]
    }
    assert cell_of(filed(course, "ann"), "small-twice").source == f"answer = {counts!r}"


def test_a_flat_file_and_a_folder_are_one_students(course, given, files, tmp_path):
    submit(tmp_path / "sent", "ann", FIRST, given, fill(files[0]))
    nbformat.write(given, tmp_path / "sent" / "ann.ipynb")
    ((key, (remark,)),) = lines(tmp_path / "sent", course).items()
    assert key == ("ann", FIRST)
    assert remark == f"2 files: {FIRST}.ipynb with 4 answers counts, not ann.ipynb"


def test_a_second_round_keeps_the_first_with_its_grade(course, given, files, tmp_path):
    first = submit(tmp_path / "one", "ann", FIRST, given, fill(files[0]))
    lines(tmp_path / "one", course)
    stamp = course.record("ann", FIRST)["counts"]
    for step in ("autograded", "feedback"):
        course.path(step, "ann", FIRST).mkdir(parents=True)
        (course.path(step, "ann", FIRST) / "made.txt").write_text(step)
    course.note_graded("ann", FIRST)
    second = submit(tmp_path / "two", "ann", FIRST, given, fill(files[0], lambda one: "answer = 2"))
    assert lines(tmp_path / "two", course) == {
        ("ann", FIRST): [f"takes the place of what was collected at {stamp}: 4 answers, 4 before"]
    }
    kept = course.path("received", "ann", FIRST) / stamp
    assert (kept / f"{FIRST}.ipynb").read_bytes() == first.read_bytes()
    assert (kept / "submitted" / f"{FIRST}.ipynb").exists()
    for step in ("autograded", "feedback"):
        assert (kept / step / "made.txt").read_text() == step
        assert not course.path(step, "ann", FIRST).exists()
    assert cell_of(filed(course, "ann"), "small-twice").source == "answer = 2"
    record = course.record("ann", FIRST)
    assert record["graded"] == {} and record["counts"] != stamp
    newest = course.path("received", "ann", FIRST) / record["counts"] / f"{FIRST}.ipynb"
    assert newest.read_bytes() == second.read_bytes()
    # The first folder once more: its file was here before the one that counts.
    assert lines(tmp_path / "one", course) == {}


def test_the_fuller_counts_across_rounds_unless_the_newest_is_asked_for(
    course, given, files, tmp_path, capsys
):
    submit(tmp_path / "one", "ann", FIRST, given, fill(files[0]))
    lines(tmp_path / "one", course)
    full, stamp = filed(course, "ann"), course.record("ann", FIRST)["counts"]
    submit(tmp_path / "two", "ann", FIRST, given)
    said = (
        f"{FIRST}.ipynb has 0 answers: what was collected at {stamp} counts, which has 4 "
        "(NEWEST=1 takes the newer one)"
    )
    assert lines(tmp_path / "two", course) == {("ann", FIRST): [said]}
    assert filed(course, "ann") == full and course.record("ann", FIRST)["faults"] == [said]
    assert lines(tmp_path / "two", course) == {}
    command = ["collect", str(tmp_path / "two"), "--course", str(course.root), "--newest"]
    assert main(command) == 0
    said = f"takes the place of what was collected at {stamp}: 0 answers, 4 before"
    assert capsys.readouterr().out.splitlines()[0] == f"ann, {FIRST}: {said}"
    assert cell_of(filed(course, "ann"), "small-twice").source == files[0].exercises[0].starter
    assert course.record("ann", FIRST)["faults"] == []


def test_what_cannot_be_read_takes_no_place(course, given, files, tmp_path):
    submit(tmp_path / "one", "ann", FIRST, given, fill(files[0]))
    lines(tmp_path / "one", course)
    before = filed(course, "ann")
    (tmp_path / "two" / "ann").mkdir(parents=True)
    (tmp_path / "two" / "ann" / f"{FIRST}.ipynb").write_text("Dear teacher,")
    (tmp_path / "two" / "bob.ipynb").symlink_to(tmp_path / "one" / "ann" / f"{FIRST}.ipynb")
    found = lines(tmp_path / "two", course, FIRST)
    stamp = course.record("ann", FIRST)["counts"]
    assert found == {
        ("ann", FIRST): [
            f"{FIRST}.ipynb: not a notebook: Expecting value: line 1 column 1 (char 0)",
            f"what was collected at {stamp} counts",
        ],
        ("bob", FIRST): ["bob.ipynb: a link was handed in; it is not read"],
    }
    assert filed(course, "ann") == before
    assert not course.path("submitted", "bob", FIRST).exists()
    # One who sent nothing legible has a row in nbgrader's gradebook, too.
    with course.api().gradebook as gradebook:
        assert [student.id for student in gradebook.students] == ["ann", "bob"]


@pytest.mark.parametrize(
    ("file", "said"),
    [(CHAPTERS / "04_sequence_models" / "01_din.ipynb", THE_LESSON), (None, NOT_OF_IT)],
)
def test_the_lesson_handed_in_for_its_assignment_takes_no_place(
    course, given, files, tmp_path, file, said
):
    other = nbformat.read(file, as_version=4) if file else student_version(course, SECOND)
    submit(tmp_path / "one", "ann", FIRST, given, fill(files[0]))
    lines(tmp_path / "one", course)
    before, stamp = filed(course, "ann"), course.record("ann", FIRST)["counts"]
    submit(tmp_path / "two", "ann", FIRST, other)
    submit(tmp_path / "two", "bob", FIRST, other)
    fault = f"{FIRST}.ipynb: {said}"
    assert lines(tmp_path / "two", course) == {
        ("ann", FIRST): [fault, f"what was collected at {stamp} counts"],
        ("bob", FIRST): [fault],
    }
    assert filed(course, "ann") == before and course.record("ann", FIRST)["answers"] == 4
    assert not course.path("submitted", "bob", FIRST).exists()
    # Who took the wrong file gets no zero for it.
    assert main(["export", "--course", str(course.root)]) == 0
    text = (course.root / "grades" / "grades.csv").read_text()
    assert f'bob,{FIRST},,,,,,"{fault}"' in text or f"bob,{FIRST},,,,,,{fault}" in text
    # Beside the assignment it is named, and the assignment counts.
    path = submit(tmp_path / "three", "cid", FIRST, given, fill(files[0]))
    nbformat.write(other, path.with_name("lesson.ipynb"))
    assert lines(tmp_path / "three", course, FIRST) == {("cid", FIRST): [f"lesson.ipynb: {said}"]}
    assert course.record("cid", FIRST)["answers"] == 4


def test_a_file_name_does_nothing_where_remarks_are_read(course, given, tmp_path):
    path = submit(tmp_path / "sent", "ann", FIRST, given)
    path.with_name("<img src=x onerror=alert(1)>.ipynb").write_bytes(path.read_bytes() + b" ")
    lines(tmp_path / "sent", course)
    remarks = filed(course, "ann").cells[0].source
    assert "&lt;img" in remarks and "<img" not in remarks


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_no_text_holds(course, given, tmp_path):
    path = submit(tmp_path / "sent", "ann", FIRST, given)
    os.rename(path, os.fsencode(path.parent) + b"/two\nlines \xff.ipynb")
    path.parent.joinpath("b.ipynb").write_bytes(b"Dear teacher,")
    os.rename(path.parent, os.fsencode(path.parent.parent) + b"/an\xffn")
    assert lines(tmp_path / "sent", course) == {
        ("an_n", FIRST): [
            "b.ipynb: not a notebook: Expecting value: line 1 column 1 (char 0)",
        ]
    }
    assert course.path("submitted", "an_n", FIRST).exists()


def test_one_that_cannot_be_filed_stops_no_other(course, given, tmp_path, monkeypatch):
    for student in ("ann", "bob"):
        submit(tmp_path / "sent", student, FIRST, given)
    blocked = course.path("submitted", "ann", FIRST)
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where a folder should be")
    found = lines(tmp_path / "sent", course)
    assert found["bob", FIRST] == []
    assert found["ann", FIRST][0].startswith("not collected: FileExistsError: ")
    # It was not taken for collected.
    blocked.unlink()
    assert lines(tmp_path / "sent", course) == {("ann", FIRST): []}


def test_an_interrupted_collection_goes_on(course, given, files, tmp_path, monkeypatch):
    submit(tmp_path / "one", "ann", FIRST, given)
    lines(tmp_path / "one", course)
    submit(tmp_path / "two", "ann", FIRST, given, fill(files[0]))
    monkeypatch.setattr(type(course), "write_record", interrupt)
    with pytest.raises(KeyboardInterrupt):
        lines(tmp_path / "two", course)
    monkeypatch.undo()
    assert set(lines(tmp_path / "two", course)) == {("ann", FIRST)}
    assert course.record("ann", FIRST)["answers"] == 4
    assert sources(filed(course, "ann")).count(files[0].exercises[0].solution) == 1


def interrupt(*_):
    raise KeyboardInterrupt


def test_what_there_is_to_collect(course, tmp_path):
    for folder, said in (("", "nothing"), (tmp_path / "none", f"{tmp_path / 'none'}, no folder")):
        with pytest.raises(GradingError, match="expected SUBMISSIONS=folder") as caught:
            lines(folder, course)
        assert str(caught.value).endswith(f"got {said}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(GradingError, match="expected submissions, found none"):
        lines(tmp_path / "empty", course)
    with pytest.raises(GradingError, match=f"lesson of {FIRST}, {SECOND}, got '03_none'"):
        lines(tmp_path / "empty", course, "03_none")


def test_a_roster_names_the_students(course, given, tmp_path, capsys):
    path = tmp_path / "roster.csv"
    path.write_text("\ufeff" + ROSTER, encoding="utf-8")
    assert main(["roster", str(path), "--course", str(course.root)]) == 0
    assert capsys.readouterr().out == "2 students are in the gradebook\n"
    with course.api().gradebook as gradebook:
        assert gradebook.find_student("ann").to_dict()["lms_user_id"] == "4711"
        assert gradebook.find_student("bob").email is None
    assert main(["roster", "", "--course", str(course.root)]) == 1
    assert capsys.readouterr().err == "roster: expected ROSTER=file.csv, got nothing\n"
    assert read_roster(course).rows["ann"]["section"] == "A"
    (tmp_path / "sent").mkdir()
    nbformat.write(given, tmp_path / "sent" / f"raybob_4712_1_{FIRST}.ipynb")
    assert set(lines(tmp_path / "sent", course)) == {("bob", FIRST)}


def test_who_is_not_on_the_roster_is_said_and_not_filed(course, given, tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(ROSTER)
    import_roster(path, course)
    for name in ("anne", "leeann_9_9_01_small", f"{FIRST}.bob", "zoe"):
        (tmp_path / "sent").mkdir(exist_ok=True)
        nbformat.write(given, tmp_path / "sent" / f"{name}.ipynb")
    found = lines(tmp_path / "sent", course)
    nearest = {
        student: text.partition("nearest there: ")[2].partition(".")[0]
        for (student, _), (text,) in ((key, one) for key, one in found.items() if one)
    }
    assert nearest == {"anne": "ann", "leeann": "ann", "zoe": "none"}
    # The name of a file for handing in tells lesson and student.
    assert found["bob", FIRST] == []
    assert [one.name for one in (course.root / "submitted").iterdir()] == ["bob"]
    with course.api().gradebook as gradebook:
        assert [student.id for student in gradebook.students] == ["ann", "bob"]
    # Once the roster has the name, the same folder is filed.
    path.write_text(ROSTER + "anne,Anne,Ott,,,\n")
    import_roster(path, course)
    assert lines(tmp_path / "sent", course)["anne", FIRST] == []


def test_a_file_that_may_be_of_two_namesakes_is_not_filed(course, given, tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(ROSTER + "ann2,Ann,Lee,,,\n")
    import_roster(path, course)
    for number in (77, 78):
        folder = tmp_path / "sent" / f"Ann Lee_{number}_assignsubmission_file"
        folder.mkdir(parents=True)
        nbformat.write(given, folder / f"{FIRST}.ipynb")
    found = lines(tmp_path / "sent", course)
    assert {student for student, _ in found} == {"Ann Lee"}
    said = [text for texts in found.values() for text in texts]
    assert said and all("so it is not filed; nearest there: ann, ann2. Give" in one for one in said)
    assert not (course.root / "submitted").exists()
    # A name of their own tells them apart.
    for folder, student in zip(sorted((tmp_path / "sent").iterdir()), ("ann", "ann2"), strict=True):
        folder.rename(folder.with_name(student))
    assert set(lines(tmp_path / "sent", course)) == {("ann", FIRST), ("ann2", FIRST)}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name\nann\n", "expected a column id, got name"),
        ("", "expected a column id, got nothing"),
        ("id\nann\nann\n", "line 3: the id 'ann' stands twice"),
        ("id,email\n,ann@example.org\n", "line 2: expected an id, got ''"),
        ("id\n../ann\n", "line 2: expected an id, got '../ann'"),
        (
            f"id,due {FIRST}\nann,soon\n",
            f"line 2: due {FIRST}: expected a date such as 2026-12-08 or 2026-12-08T18:00, "
            "got 'soon'",
        ),
        (
            "id,due 01_smal\nann,\n",
            f"column 'due 01_smal': expected a released lesson, of {FIRST}, {SECOND}",
        ),
    ],
)
def test_a_roster_that_cannot_be_read(course, tmp_path, text, fault):
    path = tmp_path / "roster.csv"
    path.write_text(text)
    with pytest.raises((GradingError, LessonError)) as caught:
        import_roster(path, course)
    assert str(caught.value) == f"{path}: {fault}"
    assert read_roster(course).rows == {}
