"""The environment of `make lab`: it heals after a kill at any moment, in a folder with spaces.

A fake Python stands for the real one: it makes environments and installs packages as empty files,
step by step, and can be killed at any of them together with whoever called it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("Makefile", "bookmaker/environment.sh", "constraints.txt", "pyproject.toml")
PROGRAMS = ("bash", "cat", "env", "expand", "find", "flock", "mkdir", "rm", "sed", "sleep", "touch")
STEPS = ("venv", "venv python", "venv pip", "package one", "package two", "metadata", "import")

# Called as the interpreter that creates environments, and, copied there, as an environment's own.
PYTHON = """\
#!/bin/bash
home="${{0%/bin/python}}"
step() {{
    echo "$1" >> "$STEPS_FILE"
    if [ "$KILL_AT" = "$1" ]; then kill -9 $PPID $$; fi
    if [ "$INTERRUPT_AT" = "$1" ]; then kill -INT $PPID; exit 1; fi
    if [ "$FAIL_AT" = "$1" ]; then echo "no network" >&2; exit 1; fi
    if [ "$WAIT_AT" = "$1" ]; then while [ ! -e "$STEPS_FILE.go" ]; do sleep 0.05; done; fi
}}
case "$1 $2 $3" in
    "--version "*) echo "Python {version}" ;;
    "-m venv "*)
        step venv
        mkdir -p "$3/bin"
        cat "$0" > "$3/bin/python"
        chmod +x "$3/bin/python"
        step "venv python"
        touch "$3/pip"
        step "venv pip" ;;
    "-m pip --version") [ -e "$home/pip" ] ;;
    "-m pip install")
        [ -e "$home/pip" ] || exit 1
        # pip does not look again into a package whose metadata it finds.
        [ ! -e "$home/metadata" ] || exit 0
        step "package one"; touch "$home/one"
        step "package two"; touch "$home/two"
        touch "$home/metadata"; step metadata ;;
    "-m recsys_book lab") shift 3; echo "lab opens: $*" ;;
    "-c import keras"*) [ -e "$home/one" ] && [ -e "$home/two" ] ;;
    "-c "*"version_info"*)
        exec "{executable}" -c "${{2//sys.version_info\\[:2\\]/({tuple})}}" ;;
    "-c import recsys_lib"*) step import ;;
    "-c "*) ;;
    *) exit 9 ;;
esac
"""

# As uv does: it locks the environment by the file .lock in it.
UV = """\
#!/bin/bash
if [ "$1" = venv ]; then exec python3 -m venv "${@: -1}"; fi
home="${4%/bin/python}"
exec 8> "$home/.lock"
flock -n 8 || { echo "uv waits for .lock" >&2; exit 1; }
exec "$home/bin/python" -m pip install
"""


def write_python(path, version):
    text = PYTHON.format(
        version=version, executable=sys.executable, tuple=version.replace(".", ", ")
    )
    path.write_text(text)
    path.chmod(0o755)


class Clone:
    """The files that `make` needs, in a folder with spaces and foreign letters."""

    def __init__(self, folder):
        self.folder = folder / "Ein Bücherregal, mit Lücken"
        self.venv = self.folder / ".venv"
        self.steps_file = folder / "steps"
        self.programs = folder / "bin"
        (self.folder / "bookmaker").mkdir(parents=True)
        for name in FILES:
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / "requirements.txt").touch()
        self.programs.mkdir()
        for name in (*PROGRAMS, "chmod", "make"):
            if (program := shutil.which(name)) is not None:
                (self.programs / name).symlink_to(program)

    def pythons(self, **versions):
        for name, version in versions.items():
            write_python(self.programs / name.replace("_", "."), version)

    def start(self, *arguments, **environment):
        environment = {
            "PATH": str(self.programs),
            "STEPS_FILE": str(self.steps_file),
            **environment,
        }
        return subprocess.Popen(
            ["make", "--no-print-directory", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            # What runs in the background ignores interrupts, and its children do.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def make(self, *arguments, **environment):
        """Run make; returns the process with its output."""
        self.steps_file.write_text("")
        process = self.start(*arguments, **environment)
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    @property
    def steps(self):
        return self.steps_file.read_text().splitlines()

    def opens(self, *said):
        """Whether `make lab` opens the book in a whole environment, after it said something."""
        finished = self.make("lab")
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout.endswith("lab opens: \n")
        assert all((self.venv / name).exists() for name in ("pip", "one", "two", ".reader-ready"))
        assert not (self.venv / ".half-made").exists()
        for one in said:
            assert one in finished.stdout
        return finished.stdout


@pytest.fixture
def clone(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    made = Clone(tmp_path)
    made.pythons(python3="3.12")
    return made


def test_the_environment_is_built_once(clone):
    output = clone.opens("Creating .venv with Python 3.12", "Installing packages into .venv (once)")
    assert "built anew" not in output and clone.steps == list(STEPS)
    assert clone.opens() == "lab opens: \n" and clone.steps == []
    assert clone.make("lab", "LAB_ARGS=--no-browser").stdout == "lab opens: --no-browser\n"
    # New requirements are installed into the same environment.
    later = time.time() + 5
    os.utime(clone.folder / "constraints.txt", (later, later))
    assert "Creating" not in clone.opens("Installing packages")


@pytest.mark.parametrize("moment", STEPS)
def test_a_kill_at_any_moment_heals(clone, moment):
    killed = clone.make("lab", KILL_AT=moment)
    assert killed.returncode != 0 and "lab opens" not in killed.stdout
    assert not (clone.venv / ".reader-ready").exists()
    clone.opens("left half-made: it is built anew")
    assert clone.opens() == "lab opens: \n"


@pytest.mark.parametrize("moment", ["package one", "package two"])
def test_a_kill_of_an_update_heals(clone, moment):
    clone.opens()
    (clone.venv / "metadata").unlink()
    later = time.time() + 5
    os.utime(clone.folder / "constraints.txt", (later, later))
    assert clone.make("lab", KILL_AT=moment).returncode != 0
    clone.opens("left half-made: it is built anew")


def test_an_interrupt_counts_as_a_kill(clone):
    assert clone.make("lab", INTERRUPT_AT="package two").returncode != 0
    assert (clone.venv / ".half-made").exists()
    clone.opens("left half-made: it is built anew")


def test_an_installation_that_fails_by_itself_leaves_what_there_was(clone):
    failed = clone.make("lab", FAIL_AT="package one")
    assert failed.returncode != 0 and "no network" in failed.stderr
    (clone.venv / "kept").touch()
    assert "built anew" not in clone.opens()
    assert (clone.venv / "kept").exists()


def test_an_environment_without_pip_is_built_anew(clone):
    # As a run that knew nothing of marks left it.
    (clone.venv / "bin").mkdir(parents=True)
    write_python(clone.venv / "bin" / "python", "3.12")
    clone.opens("Creating .venv")


def test_packages_that_do_not_work_are_installed_anew(clone):
    clone.opens()
    (clone.venv / "two").unlink()
    (clone.venv / ".reader-ready").unlink()
    clone.opens("Packages in .venv do not work: it is built anew")


def test_a_python_that_is_gone_is_replaced(clone):
    clone.opens()
    python = clone.venv / "bin" / "python"
    python.unlink()
    python.symlink_to(clone.folder / "no such python")
    clone.opens("Creating .venv")


def test_an_environment_made_by_hand_is_used(clone):
    subprocess.run(
        [clone.programs / "python3", "-m", "venv", clone.venv],
        env={"PATH": str(clone.programs), "STEPS_FILE": str(clone.steps_file)},
        check=True,
    )
    (clone.venv / "mine").touch()
    clone.opens("Installing packages")
    assert (clone.venv / "mine").exists()


def test_two_runs_at_a_time_wait_for_each_other(clone):
    if not (clone.programs / "flock").exists():
        pytest.skip("flock is not installed")
    clone.steps_file.write_text("")
    first = clone.start("lab", WAIT_AT="package two")
    deadline = time.monotonic() + 30
    while "package two" not in clone.steps and time.monotonic() < deadline:
        time.sleep(0.05)
    second = clone.start("lab")
    said = second.stdout.readline()
    assert "Another make is at work on .venv: waiting for it" in said
    Path(f"{clone.steps_file}.go").touch()
    for process in (first, second):
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert output.endswith("lab opens: \n")
    assert clone.steps == list(STEPS)


def test_a_run_whose_caller_was_killed_is_waited_for(clone):
    if not (clone.programs / "flock").exists():
        pytest.skip("flock is not installed")
    clone.steps_file.write_text("")
    first = clone.start("lab", WAIT_AT="package two")
    deadline = time.monotonic() + 30
    while "package two" not in clone.steps and time.monotonic() < deadline:
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = clone.start("lab")
    assert "waiting for it" in second.stdout.readline()
    Path(f"{clone.steps_file}.go").touch()
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 0 and output.endswith("lab opens: \n"), errors
    assert clone.steps == list(STEPS)
    first.stdout.close(), first.stderr.close()


def test_uv_is_used_where_it_is_and_may_lock_the_environment(clone):
    if not (clone.programs / "flock").exists():
        pytest.skip("flock is not installed")
    uv = clone.programs / "uv"
    uv.write_text(UV)
    uv.chmod(0o755)
    clone.opens("Creating .venv with uv")


def test_an_interrupt_of_a_slow_installation_leaves_nothing_behind(clone):
    slow = clone.start("lab", WAIT_AT="package two")
    while not clone.steps_file.exists() or "package two" not in clone.steps_file.read_text():
        time.sleep(0.05)
    # As a terminal does it, to all at work. The pipe ends with the last process that writes to it.
    os.killpg(slow.pid, signal.SIGINT)
    slow.communicate(timeout=20)
    assert slow.returncode != 0
    assert (clone.venv / ".half-made").exists()


def test_the_first_python_that_runs_and_is_in_range_is_chosen(clone):
    clone.pythons(python3="3.14", python3_12="3.9", python3_13="3.13")
    clone.opens("Creating .venv with Python 3.13")


def test_a_python_that_is_named_is_taken(clone, tmp_path):
    named = tmp_path / "my python"
    write_python(named, "3.11")
    output = clone.make("lab", f"PYTHON={named}").stdout
    assert "Creating .venv with Python 3.11" in output


def test_without_a_python_in_range_there_is_one_clear_error(clone):
    clone.pythons(python3="3.14", python3_11="3.10")
    finished = clone.make("lab")
    assert finished.returncode != 0
    assert "None of these runs and is Python 3.11, 3.12 or 3.13" in finished.stderr
    assert "make lab PYTHON=" in finished.stderr
    assert not clone.venv.exists()


def test_clean_keeps_the_readers_copies(clone):
    clone.opens()
    copy = clone.folder / "work" / "__pycache__" / "mine"
    copy.parent.mkdir(parents=True)
    copy.touch()
    (clone.folder / "chapters").mkdir()
    assert clone.make("clean").returncode == 0
    assert copy.exists() and not clone.venv.exists()


def test_a_killed_clean_heals(clone):
    clone.opens()
    rm = clone.programs / "rm"
    real = os.readlink(rm)
    rm.unlink()
    # Removes a part of the environment, and is killed.
    rm.write_text(
        f'#!/bin/bash\nif [ "$1" = -rf ]; then {real} .venv/pip .venv/one; kill -9 $PPID $$; fi\n'
        f'exec {real} "$@"\n'
    )
    rm.chmod(0o755)
    (clone.folder / "chapters").mkdir()
    assert clone.make("clean").returncode != 0
    rm.unlink()
    rm.symlink_to(real)
    clone.opens("left half-made: it is built anew")


def test_the_script_is_valid_bash():
    assert subprocess.run(["bash", "-n", ROOT / "bookmaker" / "environment.sh"]).returncode == 0
