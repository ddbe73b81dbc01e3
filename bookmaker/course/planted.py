"""The project *planted bug*: copies of the library with one fault each, and marks for answers.

The faults are rows of ``tests/mutants``. Those that the project draws from are named in
``docs/course/projects/planted_bugs.json`` with what they change in a score, and only a fault that a
score does not show is drawn.
"""

import ast
import contextlib
import difflib
import json
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bookmaker.building.build import BuildError
from bookmaker.grading import launcher
from bookmaker.grading.sandbox import ONE_THREAD, processor_seconds
from recsys_book.base.paths import CHAPTERS, write_atomically

ROOT = CHAPTERS.parent
FOLDER = ROOT / "docs" / "course" / "projects"
TABLE, STARTER = FOLDER / "planted_bugs.json", FOLDER / "planted_bug"
ANSWER, TEST = "answer.toml", "test_answer.py"
SECONDS = 300
"""Of processor time, for one run of an answer's test, for a busy machine takes longer by the clock.
Where the system does not tell the processor time of other processes, the clock's."""
WAITING = 6
"""By the clock a run may take so many times as long, so that who only sleeps is stopped, too."""
PASSES, FAILS = "it passes", "it fails"

_READS_SOURCE = re.compile(r"\b(?:inspect|getsource|open|read_text|read_bytes|__file__|ast)\b")


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Args:
        name: of the recorded mutant, in ``tests/mutants``.
        model: the model of the zoo that has it.
        options: of its builder, beside those of the zoo.
        right, broken: mean AUC of three trainings without and with it; 0 before they are measured.
        spread: of the three trainings without it, from the lowest to the highest.
    """

    name: str
    model: str
    options: dict[str, Any]
    right: float = 0.0
    broken: float = 0.0
    spread: float = 0.0

    @property
    def is_hidden(self) -> bool:
        """Whether no score shows it: the mean AUC loses at most a hundredth."""
        return self.right > 0 and self.right - self.broken <= 0.01


def faults(table: Path = TABLE) -> list[Fault]:
    """The faults that the project draws from.

    Args:
        table: names and scores.
    """
    return [Fault(**row) for row in json.loads(table.read_text(encoding="utf-8"))]


def drawn(seed: int) -> Fault:
    """The fault of a seed.

    Args:
        seed: any whole number; the students do not know it.
    """
    return random.Random(f"planted bug {seed}").choice([one for one in faults() if one.is_hidden])


def mutated(name: str) -> tuple[str, str]:
    """File and text of a recorded mutant.

    Args:
        name: the mutant's.

    Raises:
        BuildError: no mutant is called so.
        ValueError: its old text is not in the file once.
    """
    rows = runpy.run_path(str(ROOT / "tests" / "mutants" / "mutant_rows.py"))
    for mutant in rows["recorded"]():
        if mutant.name == name:
            return mutant.file, mutant.source()
    raise BuildError(f"planted bug: expected a recorded mutant, got {name!r}")


def plant(fault: Fault, folder: Path) -> Path:
    """Write a copy of the library with a fault, and the starter of an answer beside it.

    Args:
        fault: what is planted.
        folder: of the student; it must not be there.

    Returns:
        The folder.

    Raises:
        BuildError: the folder is there.
    """
    if folder.exists():
        raise BuildError(f"{folder}: expected a folder that is not there yet")
    file, text = mutated(fault.name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        new = Path(temporary) / "copy"
        shutil.copytree(STARTER, new)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "recsys_lib", new / "recsys_lib", ignore=ignored)
        write_atomically(new / file, text)
        shutil.copystat(ROOT / file, new / file)  # its time would tell which file it is
        model = f'model = "{fault.model}"  # as recsys_lib.zoo calls it; the fault is in its code'
        answer = (new / ANSWER).read_text(encoding="utf-8").replace('model = ""', model)
        write_atomically(new / ANSWER, answer)
        new.rename(folder)
    return folder


def changed_lines(fault: Fault) -> tuple[str, set[int]]:
    """The file of a fault, and the numbers of the lines in the copy at which it may be said to be.

    Where lines are missing in the copy, those around the gap count.

    Args:
        fault: what is planted.
    """
    file, text = mutated(fault.name)
    right = (ROOT / file).read_text(encoding="utf-8").splitlines()
    lines: set[int] = set()
    matcher = difflib.SequenceMatcher(None, right, text.splitlines(), autojunk=False)
    for kind, _, _, start, end in matcher.get_opcodes():
        if kind == "delete":
            lines |= {start, start + 1}
        elif kind != "equal":
            lines |= set(range(start + 1, end + 1))
    return file, lines


def mark(fault: Fault, folder: Path) -> list[tuple[bool, str]]:
    """Mark an answer: file, line, and a test that fails on the copy and passes on the library.

    The test is code of a student and runs as such: see docs/instructors.md for a container.

    Args:
        fault: what was planted.
        folder: holds the answer's two files.

    Returns:
        Whether, and what, for each of: file, line, the test passes on the library, it fails on the
        copy, it looks at what the code does and not at its text. A test that does not pass on the
        library proves nothing of the copy, and is not run there.

    Raises:
        BuildError: the answer cannot be read.
    """
    try:
        said = tomllib.loads((folder / ANSWER).read_text(encoding="utf-8"))
        test = (folder / TEST).read_text(encoding="utf-8")
        ast.parse(test)
    except (OSError, ValueError, SyntaxError) as error:
        raise BuildError(f"{folder}: expected {ANSWER} and {TEST}, got {error}") from error
    file, lines = changed_lines(fault)
    at_file = str(said.get("file", "")).strip().removeprefix("./") == file
    with tempfile.TemporaryDirectory() as temporary:
        # Nothing beside the library tells the two apart, nor do the names of the folders.
        first, second = (Path(tempfile.mkdtemp(dir=temporary)) / "library" for _ in range(2))
        broken = plant(fault, first)
        right = shutil.copytree(broken, second)
        shutil.copy2(ROOT / file, right / file)
        on_right, on_broken = _run(test, right), "not run, since it does not pass on the library"
        if on_right == PASSES:
            on_broken = _run(test, broken)
    line, where = said.get("line"), sorted(lines)
    return [
        (at_file, f"the file: {said.get('file')!r}, it is {file}"),
        (at_file and line in where, f"the line: {line!r}, it is in {where} of {file}"),
        (on_right == PASSES, f"the test passes on the library: {on_right}"),
        (on_broken == FAILS, f"the test fails on the copy: {on_broken}"),
        (not _READS_SOURCE.search(test), "the test does not read the library's text"),
    ]


def _run(test: str, library: Path) -> str:
    """The result of a test with one of the libraries, in words."""
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(library)}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, TEST).write_text(test, encoding="utf-8")
        options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", f"--rootdir={folder}"]
        command = [sys.executable, "-P", "-m", "pytest", *options, "-c", os.devnull, TEST]
        # No pipes: what the test has started could keep them open for longer than it runs.
        null = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        process = subprocess.Popen(
            command, cwd=folder, env=environment, start_new_session=True, **null
        )
        try:
            return _watched(process)
        finally:
            with contextlib.suppress(OSError):  # all have ended
                getattr(os, "killpg", os.kill)(process.pid, 9)
            process.wait()


def _watched(process: subprocess.Popen) -> str:
    """The result of pytest's process, which may have to be stopped by the caller."""
    started = time.monotonic()
    while (status := process.poll()) is None:
        clock = time.monotonic() - started
        spent = processor_seconds([process.pid, *launcher.family(process.pid)[0]])
        if spent is None and clock > SECONDS:
            return f"it took over {SECONDS} s"
        if spent is not None and spent > SECONDS:
            return f"it took over {SECONDS} s of processor time"
        if clock > WAITING * SECONDS:
            return f"it took over {WAITING * SECONDS} s by the clock, and waited for most of them"
        time.sleep(launcher.POLL_SECONDS)
    told = {0: PASSES, 1: FAILS, 5: "it holds no test"}
    return told.get(status, f"it cannot be run, pytest ends with {status}")
