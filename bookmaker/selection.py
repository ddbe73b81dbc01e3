"""The choice of ``make test``: tests, notebooks, mutants and grading that changed, some others.

Everything has a hash of what its test follows from, and counts as changed until that hash is
recorded as green in a file that is committed:

- a notebook, when a build gave these outputs with these inputs (``chapters/inputs.json``), or when
  a run of everything found them with these inputs (``tests/green.json``);
- a file of tests with all that it follows from (see ``bookmaker.unit_tests``), the mutants of a
  file, with the tests that find them and the modules that those import, and the grading of a
  lesson's exercises, when all of them passed (``tests/green.json``, which ``make test FULL=1``
  writes when it is green; it also says what the comparison of notebooks masked, and how many
  seconds each file took).

Of what did not change, every tenth runs all the same. Which one follows from all hashes together,
so that the same commit draws the same tenth on every machine, and the next one another.

What has passed on this machine is not run there again: a stamp below ``build/`` keeps it.
"""

import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bookmaker import PACKAGES, inputs, unit_tests
from bookmaker.imports import find_modules
from bookmaker.inputs import ROOT, hash_of, key_of
from bookmaker.lessons import code_of
from recsys_book.exercises.source import find_sources
from recsys_book.paths import CHAPTERS, LessonError, write_atomically

STAMP = ROOT / "build" / "tested.json"
KINDS = ("tests", "notebooks", "mutants", "grading")
TENTH = 10
MUTANTS_TEST, GRADING_TEST = unit_tests.CHOSEN_BY_CASE

_CASES_OF = {"mutants": MUTANTS_TEST, "grading": GRADING_TEST}
_OF = {"tests": ", by file", "mutants": ", by file and tests", "grading": ", by lesson"}

Hashes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Selection:
    """The choice of one run of the tests; each part is a dict of kind to names.

    Args:
        changed: what differs from the committed records.
        drawn: the tenth of the rest.
        passed: what of both has passed on this machine, and so is left out.
    """

    changed: dict[str, list[str]]
    drawn: dict[str, list[str]]
    passed: dict[str, list[str]]

    def chosen(self, kind: str) -> list[str]:
        """The names that run, in alphabetical order."""
        both = {*self.changed[kind], *self.drawn[kind]}
        return sorted(both - set(self.passed[kind]))

    def summary(self, hashes: Hashes) -> list[str]:
        """One line for each kind: how many run, and why."""
        lines = []
        for kind in KINDS:
            changed, drawn = len(self.changed[kind]), len(self.drawn[kind])
            here = changed + drawn - len(self.chosen(kind))
            lines.append(
                f"{kind}{_OF.get(kind, '')}: {len(self.chosen(kind))} of {len(hashes[kind])} run "
                f"({changed} changed, {drawn} drawn from the rest; {here} of these passed here)"
            )
        return lines

    def seconds(self, hashes: Hashes, took: Mapping[str, float]) -> float:
        """How long one worker is busy with it; what has no record takes its kind's average.

        Args:
            hashes: those of today, as ``current`` gives them.
            took: seconds of each file, as ``seconds_recorded`` gives them.
        """
        total = 0.0
        for kind in KINDS:
            share = len(hashes[kind]) if kind in _CASES_OF else 1
            files = {name: _CASES_OF.get(kind) or _file(kind, name) for name in hashes[kind]}
            known = {name: took[file] / share for name, file in files.items() if file in took}
            average = sum(known.values()) / max(len(known), 1)
            total += sum(known.get(name, average) for name in self.chosen(kind))
        return total


def current(notebooks: list[Path], chapters: Path = CHAPTERS) -> dict[str, dict[str, str]]:
    """Dict of kind to name to the hash of all that its test follows from.

    What cannot run on this machine has none: labs without their data are not among the notebooks,
    mutants need Linux, grading needs nbgrader.

    Args:
        notebooks: those that can run here, as ``inputs.notebooks_to_test`` gives them.
        chapters: the folder of the chapters.

    Raises:
        LessonError: a text cannot be read, or something imports a module that is not there.
    """
    root = Path(chapters).resolve().parent if chapters != CHAPTERS else ROOT
    return {
        "tests": unit_tests.hashes(root),
        "notebooks": {key_of(path, chapters): _notebook(path) for path in notebooks},
        "mutants": mutants(root) if sys.platform == "linux" else {},
        "grading": grading(chapters, root) if find_spec("nbgrader") else {},
    }


def mutants(root: Path = ROOT) -> dict[str, str]:
    """Dict of group to the hash of its mutants and of what the tests that find them read.

    Args:
        root: the folder that holds the packages and ``tests``.

    Raises:
        LessonError: a test imports a module that is not there.
    """
    runner = root / "tests" / "mutants" / "runner.py"
    if not runner.exists():
        return {}
    listed = subprocess.run(
        [sys.executable, runner, "list"], check=True, capture_output=True, text=True
    )
    groups: dict[str, list[dict[str, Any]]] = {}
    for mutant in json.loads(listed.stdout):
        groups.setdefault(group_of(mutant["file"], mutant["tests"]), []).append(mutant)
    hashes, tests = {}, {}
    reader = unit_tests.Reader(root)
    for group, recorded in sorted(groups.items()):
        path = root / recorded[0]["file"]
        parts = [("mutants", json.dumps(recorded, sort_keys=True).encode())]
        parts.append(("file", path.read_bytes() if path.exists() else b""))
        parts += [
            (name, (runner.parent / name).read_bytes()) for name in ("runner.py", "mutant_rows.py")
        ]
        for test in sorted({test.split("::")[0] for test in recorded[0]["tests"]}):
            if test not in tests:
                tests[test] = reader.hash_of(root / "tests" / test, by_path=False)
            parts.append((test, tests[test].encode()))
        hashes[group] = hash_of(parts)
    return hashes


def group_of(file: str, tests: Iterable[str]) -> str:
    """The mutants that are run or left out together: of one file, found by the same test files.

    Example:
        >>> group_of("recsys_lib/sequence/din.py", ["sequence/test_din.py::test_mask"])
        'recsys_lib/sequence/din.py: sequence/test_din.py'
    """
    return f"{file}: {', '.join(sorted({test.split('::')[0] for test in tests}))}"


def grading(chapters: Path = CHAPTERS, root: Path = ROOT) -> dict[str, str]:
    """Dict of lesson to the hash of its exercises and of what grading them reads.

    Args:
        chapters: the folder of the chapters.
        root: the folder that holds the packages and ``tests``.

    Raises:
        LessonError: an exercises file cannot be read, or imports a module that is not there.
    """
    test = root / GRADING_TEST
    if not test.exists():
        return {}
    machinery = unit_tests.Reader(root).hash_of(test, by_path=False)
    library = find_modules(root, PACKAGES)
    hashes = {}
    for path in find_sources(chapters):
        try:
            read = inputs.parts_read(code_of(path), library, root)
        except (SyntaxError, ValueError) as error:
            raise LessonError(f"{path}: {error}") from error
        parts = [("exercises", path.read_bytes()), ("machinery", machinery.encode()), *read]
        hashes[lesson_of(path, chapters)] = hash_of(parts)
    return hashes


def lesson_of(exercises: Path, chapters: Path = CHAPTERS) -> str:
    """The lesson's name in the records, of an exercises file: ``"04_sequence_models/01_din"``."""
    return key_of(exercises, chapters).removesuffix(".exercises")


def recorded(chapters: Path = CHAPTERS) -> dict[str, dict[str, str]]:
    """The hashes that the committed files record as green, in the form of ``current``.

    A notebook may have two, one a line: that of its build, and that of a run of everything.
    """
    green = _read(record_path(chapters))
    notebooks: dict[str, str] = {}
    if green.get("masks") == masks():
        notebooks = _dict(green.get("notebooks"))
        for name, one in inputs.read_built(chapters).items():
            both = {f"{one['inputs']} {one['outputs']}", *notebooks.get(name, "").splitlines()}
            notebooks[name] = "\n".join(sorted(both))
    return {
        "tests": _dict(green.get("tests")),
        "notebooks": notebooks,
        "mutants": _dict(green.get("mutants")),
        "grading": _dict(green.get("grading")),
    }


def seconds_recorded(chapters: Path = CHAPTERS) -> dict[str, float]:
    """Seconds that each file of tests and each notebook took in the last recorded run of all."""
    return _dict(_read(record_path(chapters)).get("seconds"))


def select(hashes: Hashes, green: Hashes, passed: Hashes) -> Selection:
    """Choose what a run of the tests takes.

    Args:
        hashes: those of today, as ``current`` gives them.
        green: what is recorded as green.
        passed: what has passed on this machine.

    Example:
        >>> nothing = {"tests": {}, "mutants": {}, "grading": {}}
        >>> today = nothing | {"notebooks": {"a": "1", "b": "2"}}
        >>> chosen = select(today, {"notebooks": {"a": "1"}}, {})
        >>> chosen.changed["notebooks"], chosen.drawn["notebooks"]
        (['b'], ['a'])
    """
    seed = hash_of((f"{kind} {name}", hashes[kind][name].encode()) for kind, name in _all(hashes))
    changed, drawn, already = {}, {}, {}
    for kind in KINDS:
        names, known = sorted(hashes[kind]), green.get(kind, {})
        green_ones = {name: known.get(name, "").splitlines() for name in names}
        changed[kind] = [name for name in names if hashes[kind][name] not in green_ones[name]]
        rest = sorted(set(names) - set(changed[kind]), key=lambda name: _draw(seed, name))
        drawn[kind] = sorted(rest[: -(-len(rest) // TENTH)])
        here = passed.get(kind, {})
        already[kind] = [name for name in names if here.get(name) == hashes[kind][name]]
    return Selection(changed, drawn, already)


def everything(hashes: Hashes) -> Selection:
    """The selection that leaves nothing out."""
    return Selection(
        changed={kind: sorted(hashes[kind]) for kind in KINDS},
        drawn={kind: [] for kind in KINDS},
        passed={kind: [] for kind in KINDS},
    )


def masks() -> str:
    """The hash of what the comparison of notebooks masks."""
    path = ROOT / "tests" / "nbval_sanitize.cfg"
    return hash_of([("masks", path.read_bytes())])


def record_path(chapters: Path = CHAPTERS) -> Path:
    """The committed record of tests, notebooks, mutants and grading."""
    return Path(chapters).parent / "tests" / "green.json"


def read_stamp(stamp: Path = STAMP) -> dict[str, dict[str, str]]:
    """The hashes that have passed on this machine, with this Python and today's masks."""
    kept = _read(stamp)
    if kept.get("python") != _python() or kept.get("masks") != masks():
        return {}
    return {kind: _dict(kept.get(kind)) for kind in KINDS}


def begin(selection: Selection, hashes: Hashes, stamp: Path = STAMP, *, full: bool) -> Path:
    """Write, before a run, what it takes and what will have passed if it is green.

    Args:
        selection: what runs.
        hashes: those of today.
        stamp: where the stamp lies.
        full: whether nothing was left out, so that the committed record may be renewed.

    Returns:
        The file; ``pytest -p bookmaker.chosen_tests --selected FILE`` runs what it names.
    """
    known = {} if full else read_stamp(stamp)
    waiting: dict[str, Any] = {"python": _python(), "masks": masks(), "full": full}
    waiting["run"] = {kind: selection.chosen(kind) for kind in KINDS}
    for kind in KINDS:
        still = {n: h for n, h in known.get(kind, {}).items() if hashes[kind].get(n) == h}
        ran = {name: hashes[kind][name] for name in selection.chosen(kind)}
        waiting[kind] = dict(sorted({**still, **ran}.items()))
    path = waiting_path(stamp)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(waiting, indent=1) + "\n")
    return path


def finish(stamp: Path = STAMP, chapters: Path = CHAPTERS) -> None:
    """Note, after a green run, that all that `begin` has written down is green.

    A run that left nothing out renews the committed record, too; of kinds that could not run on
    this machine it keeps what is recorded.

    Raises:
        FileNotFoundError: `begin` was not called before.
    """
    path = waiting_path(stamp)
    waiting = json.loads(path.read_text(encoding="utf-8"))
    waiting.pop("run")
    seconds = waiting.pop("seconds", {})
    if waiting.pop("full"):
        record = record_path(chapters)
        old = _read(record)
        new = {"masks": waiting["masks"]}
        for kind in KINDS:
            new[kind] = waiting[kind] or _dict(old.get(kind))
        new["seconds"] = seconds or _dict(old.get("seconds"))
        if new != old:
            write_atomically(record, json.dumps(new, indent=1) + "\n")
    write_atomically(stamp, json.dumps(waiting, indent=1) + "\n")
    path.unlink()


def waiting_path(stamp: Path = STAMP) -> Path:
    """Where `begin` writes what `finish` makes the stamp of."""
    return Path(stamp).with_name(f"{Path(stamp).name}.waiting")


def _notebook(path):
    return f"{inputs.inputs_of(path.with_suffix('.md'))} {inputs.outputs_of(path)}"


def _file(kind, name):
    return f"{CHAPTERS.name}/{name}.ipynb" if kind == "notebooks" else name


def _draw(seed, name):
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def _all(hashes):
    return [(kind, name) for kind in KINDS for name in sorted(hashes[kind])]


def _python():
    return f"{platform.python_version()} {platform.machine()}"


def _read(path):
    try:
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _dict(value):
    return value if isinstance(value, dict) else {}
