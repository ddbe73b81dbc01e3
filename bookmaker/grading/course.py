"""One nbgrader course: what is released in it, and what is known of each submission.

The course is an ordinary folder of nbgrader's (source, release, submitted, autograded, feedback,
gradebook.db); its commands and its formgrader work in it. Beside them stand two things of ours:
``released.json``, the seed and the text of each lesson as it was handed out, and ``received/``,
every file that a student sent, with a ``record.json`` for each student and lesson.
"""

import dataclasses
import hashlib
import json
import logging
import os
import re
import shutil
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bookmaker.grading.assignment import (
    BEGIN_RUBRIC,
    END_RUBRIC,
    instructor_notebook,
    leaked_lines,
)
from recsys_book.base.paths import write_atomically
from recsys_book.exercises.parsing import (
    STUB,
    ExerciseError,
    ExerciseFile,
)

INSTALL = 'nbgrader is not installed: python -m pip install -e ".[instructor]" -c constraints.txt'
CONFIG_NAME, RELEASED_NAME, RECORD_NAME = "nbgrader_config.py", "released.json", "record.json"
CONFIG = '''\
"""nbgrader's configuration of this course. It is written once; what you add here is kept."""

from pathlib import Path

from bookmaker.grading.course import configure

c = get_config()  # noqa: F821
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
configure(c)
'''


class GradingError(RuntimeError):
    """The exercises could not be released or graded; the message says what is at fault."""


def configure(config: Any) -> None:
    """Set what every step of nbgrader needs in a course of this book.

    Args:
        config: a traitlets ``Config``, changed in place; ``nbgrader_config.py`` hands over its own,
            so that nbgrader's commands and the buttons of its formgrader do what ours do.
    """
    from bookmaker.grading import executor

    executor.configure(config)
    config.CourseDirectory.course_id = "book"
    config.ClearSolutions.code_stub = {"python": STUB}
    config.ClearMarkScheme.begin_mark_scheme_delimeter = BEGIN_RUBRIC
    config.ClearMarkScheme.end_mark_scheme_delimeter = END_RUBRIC
    config.ClearMarkScheme.enforce_metadata = False  # ours stands in a statement, not in a task
    config.OverwriteCells.add_missing_cells = True
    config.Autograde.pre_convert_hook = "bookmaker.grading.late.before_autograde"
    config.Autograde.post_convert_hook = "bookmaker.grading.course.after_autograde"
    config.AssignLatePenalties.plugin_class = "bookmaker.grading.penalty.LatePenalty"
    config.GenerateFeedback.preprocessors = [
        "bookmaker.grading.feedback.GradesWithoutHiddenTests",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    config.GenerateFeedback.exporter_class = "bookmaker.grading.feedback.FeedbackExporter"
    config.FeedbackExporter.template_name = "exercises"
    config.FeedbackExporter.extra_template_basedirs = [str(Path(__file__).with_name("templates"))]


@dataclass(frozen=True)
class Course:
    """The course in the folder ``root``.

    Example:
        >>> Course(Path("build/course")).path("submitted", "ann", "01_din").parts[-3:]
        ('submitted', 'ann', '01_din')
    """

    root: Path

    def path(self, step: str, student: str, lesson: str) -> Path:
        """Return the folder of a student's lesson in a step, such as ``"autograded"``."""
        return self.root / step / student / lesson

    def notebook(self, step: str, lesson: str) -> Path:
        """Return the path of a lesson's notebook in ``"source"`` or ``"release"``."""
        return self.root / step / lesson / f"{lesson}.ipynb"

    def released(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each released lesson: its seed, and its source's hash."""
        return _read_json(self.root / RELEASED_NAME)

    def require_released(self) -> dict[str, dict[str, Any]]:
        """Return `released`, or raise `GradingError` where nothing has been handed out."""
        if not (found := self.released()):
            raise GradingError(f"{self.root}: no lesson is released here; `make assignment` first")
        return found

    def api(self) -> Any:
        """Return nbgrader's API on this course, with the configuration that stands in it."""
        require_nbgrader()
        from nbgrader.apps import NbGraderAPI
        from sqlalchemy.exc import SAWarning
        from traitlets.config import PyFileConfigLoader

        _find_own_commands()
        # nbgrader's own objects meet before they are in a session, which harms nobody.
        warnings.filterwarnings("ignore", category=SAWarning)
        config = PyFileConfigLoader(CONFIG_NAME, path=str(self.root.resolve())).load_config()
        # nbgrader's log of each step is of no use; its errors end up in the exceptions.
        config.NbGraderAPI.log_level = config.Application.log_level = logging.ERROR
        api = NbGraderAPI(config=config)
        api.log.setLevel(logging.ERROR)
        return api

    def record(self, student: str, lesson: str) -> dict[str, Any]:
        """Return what is known of a student's lesson; an empty dict where nothing is."""
        return _read_json(self.path("received", student, lesson) / RECORD_NAME)

    def write_record(self, student: str, lesson: str, record: dict[str, Any]) -> None:
        """Replace what is known of a student's lesson."""
        folder = self.path("received", student, lesson)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / RECORD_NAME, json.dumps(record, indent=1, ensure_ascii=False))

    def records(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return ``[(student, lesson, record)]`` of all that was received, sorted."""
        found = sorted((self.root / "received").glob(f"*/*/{RECORD_NAME}"))
        return [(path.parents[1].name, path.parent.name, _read_json(path)) for path in found]

    def fingerprint(self, student: str, lesson: str) -> str:
        """Return the hash of a submission and of the tests that it is graded by."""
        submitted = self.path("submitted", student, lesson) / f"{lesson}.ipynb"
        both = submitted.read_bytes() + self.notebook("source", lesson).read_bytes()
        return hashlib.sha256(both).hexdigest()

    def note_graded(self, student: str, lesson: str, fault: str = "") -> None:
        """Write into the record that the submission that lies here is graded, or why it is not."""
        record = self.record(student, lesson)
        record["graded"] = {
            "fingerprint": "" if fault else self.fingerprint(student, lesson),
            "fault": fault,
            "remarks": [] if fault else self._remarks_of_the_run(student, lesson),
        }
        self.write_record(student, lesson, record)

    def _remarks_of_the_run(self, student, lesson):
        path = self.path("autograded", student, lesson) / f"{lesson}.ipynb"
        return [str(line) for line in _read_json(path).get("metadata", {}).get("remarks", [])]


def after_autograde(assignment: str, student: str, notebooks: list[str]) -> None:
    """Note what nbgrader has graded, by whatever command or button; nbgrader calls it."""
    for path in map(Path, notebooks):
        Course(path.parents[3]).note_graded(path.parents[1].name, path.parents[0].name)


def open_course(folder: str | Path, create: bool = False) -> Course:
    """Return the `Course` in a folder.

    Args:
        folder: of the course.
        create: whether to make one where there is none.

    Raises:
        GradingError: there is no course, or nbgrader is not installed.
    """
    require_nbgrader()
    root = Path(folder)
    if not (root / CONFIG_NAME).exists():
        if not create:
            raise GradingError(f"{root}: expected a course, found none; `make assignment` first")
        root.mkdir(parents=True, exist_ok=True)
        write_atomically(root / CONFIG_NAME, CONFIG)
    return Course(root)


def release(
    files: Sequence[ExerciseFile], course: Course, seed: int | None = None, force: bool = False
) -> dict[str, Path]:
    """Release lessons in a course, beside those that it has.

    Args:
        files: `ExerciseFile` objects, as students shall get them.
        course: the `Course`.
        seed: the seed from which they were drawn; it is noted in the course, and not in what
            students are given.
        force: whether a lesson that was handed out with another seed or text is written again.
            What students sent is kept in any case.

    Returns:
        Dict of lesson to the path of its student version.

    Raises:
        ExerciseError: a lesson has no exercises.
        GradingError: a lesson was handed out otherwise, nbgrader refused an exercise, or a student
            version would hold a secret line. Lessons before it are released.
    """
    import nbformat

    texts, refused = {}, []
    for file in files:
        if not file.exercises:
            raise ExerciseError(f"{file.path}: no exercises")
        texts[file] = nbformat.writes(instructor_notebook(file))
        known = course.released().get(file.lesson)
        if known and known["sha256"] != _hash(texts[file]) and not force:
            refused.append(
                f"{file.lesson}: expected the text released with {_seed(known['seed'])}, got "
                f"another, with {_seed(seed)}; FORCE=1 writes it again and keeps what students sent"
            )
    if refused:
        raise GradingError("\n".join(refused))
    paths = {}
    for file, text in texts.items():
        paths[file.lesson] = course.notebook("release", file.lesson)
        known = course.released().get(file.lesson)
        if known != _entry(seed, text) or not paths[file.lesson].exists():
            _release(file, text, course, seed)
    return paths


def _release(file, text, course, seed):
    released = course.released()
    known = released.pop(file.lesson, None)
    earlier = course.notebook("source", file.lesson).read_text(encoding="utf-8") if known else ""
    # Until all is written the lesson counts as not released, so that an interrupt can be mended.
    _write_json(course.root / RELEASED_NAME, released)
    if fault := _generate(file, text, course):
        shutil.rmtree(course.notebook("release", file.lesson).parent, ignore_errors=True)
        if known:
            _generate(file, earlier, course)
            _write_json(course.root / RELEASED_NAME, {**released, file.lesson: known})
        raise GradingError(f"{file.path}: {fault}")
    (course.root / "exercises").mkdir(exist_ok=True)
    known = {**dataclasses.asdict(file), "path": file.path.name}
    _write_json(course.root / "exercises" / f"{file.lesson}.json", known)
    _write_json(course.root / RELEASED_NAME, {**released, file.lesson: _entry(seed, text)})


def _generate(file, text, course):
    """Write the source and let nbgrader make the student version; returns what is wrong with it."""
    import nbformat

    source, path = (course.notebook(step, file.lesson) for step in ("source", "release"))
    source.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(source, text)
    result = course.api().generate_assignment(file.lesson, force=True, create=True)
    if not result["success"] or not path.exists():
        return f"nbgrader refused it: {failure(result)}"
    if leaked := leaked_lines(file, nbformat.read(path, as_version=4)):
        return (
            f"the student version would hold {len(leaked)} lines of a solution, hidden test or "
            f"mistake, the first is {leaked[0]!r}"
        )
    return ""


def _entry(seed, text):
    return {"seed": seed, "sha256": _hash(text)}


def _seed(seed):
    return "no seed" if seed is None else f"seed {seed}"


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()


def _read_json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _write_json(path, value):
    write_atomically(path, json.dumps(value, indent=1, sort_keys=True))


def require_nbgrader() -> None:
    """Raise `GradingError` where the instructors' extra is not installed."""
    try:
        import nbgrader  # noqa: F401
    except ImportError:
        raise GradingError(INSTALL) from None


def _find_own_commands():
    """Put the environment's own commands first on the PATH.

    nbgrader calls `alembic` by its bare name, which a Python that was started by its path, as
    `make` does, would not find or would find elsewhere.
    """
    own = str(Path(sys.executable).parent)
    others = [part for part in os.environ.get("PATH", "").split(os.pathsep) if part != own]
    os.environ["PATH"] = os.pathsep.join([own, *others])


def failure(result: dict[str, Any]) -> str:
    """Return the one line of a failed nbgrader step that says why: its log's first exception."""
    lines = str(result.get("log") or result.get("error") or "").splitlines()
    named = re.compile(r"\s*(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b.*")
    reasons = [line.strip() for line in lines if named.fullmatch(line)]
    return (reasons or [line.strip() for line in lines if line.strip()] or ["no reason given"])[0]
