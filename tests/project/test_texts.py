"""What texts name is there: commands run, modules and files exist."""

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bookmaker import PACKAGES
from bookmaker.code.imports import find_modules
from bookmaker.gate.selection import files_in
from recsys_pipeline.__main__ import COMMANDS

ROOT = Path(__file__).parents[2]
OURS = (*PACKAGES, "bookmaker", "benchmarks", "experiments")
COMMANDED = ("bookmaker", "experiments", "recsys_pipeline")
GUIDES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "Makefile", ".ci/run")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / ".pre-commit-config.yaml",
]
# These plant libraries and texts of their own, or name what has gone.
OWN_NAMES = {"CHANGELOG.md", "test_arrows.py", "test_inputs.py", "test_names.py", "test_texts.py"}
OWN_NAMES |= {"test_docstrings.py", "test_readme_commands.py", "test_saving.py"}
OWN_NAMES |= {"test_evidence_records.py", "test_selection.py"}
OWN_NAMES |= {"test_work_copies.py", "test_packages.py"}

_COMMAND = re.compile(r"(?:python3?[.0-9]*|\$\(PY\)|py -3\.12) -m ([\w.]+)([^`\n|;&]*)")
_RECSYS = re.compile(rf"(?<![\w./-])recsys (?=(?:{'|'.join(COMMANDS)})\b)")
_MODULE = re.compile(rf"(?<![\w/.@-])((?:{'|'.join(OURS)})(?:\.(?!json|egg)[A-Za-z]\w*)+)")
_FILE = re.compile(
    rf"(?<![\w/.<*{{}}-])((?:{'|'.join(OURS)}|tests|docs|data)(?:/[\w.-]+)+\.(?:py|md|cfg|png))\b"
)


def commands(text):
    """``(module, words)`` of each command ``python -m module words`` in a text."""
    joined = _RECSYS.sub("python -m recsys_pipeline ", text.replace("\\\n", " "))
    return [(found[1], found[2].split()) for found in _COMMAND.finditer(joined)]


def named_commands():
    """Dict of each of our modules and its subcommand to the options that texts give it."""
    found = {}
    for guide in GUIDES:
        for module, words in commands(guide.read_text(encoding="utf-8")):
            if module.split(".")[0] not in OURS:
                continue
            takes_command = module in COMMANDED and words and words[0].isalpha()
            options = found.setdefault((module, words[0] if takes_command else ""), set())
            options |= {word.split("=")[0] for word in words if word.startswith("--")}
    return found


@pytest.mark.parametrize("command", sorted(named_commands()), ids=" ".join)
def test_every_command_that_a_guide_names_runs(command, tmp_path):
    options = named_commands()[command]
    module, subcommand = command
    finished = subprocess.run(
        [sys.executable, "-m", module, *([subcommand] if subcommand else []), "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith("usage:")
    assert {one for one in options if one not in finished.stdout} == set()


def test_guides_name_the_commands_that_there_are():
    named = {(module, command) for module, command in named_commands()}
    assert {("bookmaker", name) for name in ("build", "check", "changed", "links", "labs")} <= named
    assert {("benchmarks", "")} <= named


def test_other_programs_that_guides_run_are_installed():
    for guide in GUIDES:
        for module, _ in commands(guide.read_text(encoding="utf-8")):
            if module.split(".")[0] not in OURS:
                assert find_spec(module) is not None, f"{guide.name}: {module}"


def texts():
    found = [path for pattern in ("*.md", "*.py", "*.toml", "*.yml") for path in ROOT.glob(pattern)]
    for folder in (*OURS, "tests", "docs", "data", "chapters"):
        for pattern in ("*.md", "*.py", "*.cfg"):
            found += (ROOT / folder).rglob(pattern)
    hidden = [path for path in found if ".ipynb_checkpoints" in path.parts]
    ours = [*sorted(set(found) - set(hidden)), ROOT / "Makefile", ROOT / ".ci" / "run"]
    return [path for path in ours if path.name not in OWN_NAMES]


def defined(source):
    """The names that a module defines or imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name)}
    imported = [alias for n in nodes if isinstance(n, ast.ImportFrom) for alias in n.names]
    return names | {alias.asname or alias.name for alias in imported}


def missing_modules(text, modules):
    """The dotted names in a text that are neither a module of ours nor something in one."""
    missing = []
    for name in _MODULE.findall(text):
        parts = name.split(".")
        known = next(
            (count for count in range(len(parts), 0, -1) if ".".join(parts[:count]) in modules), 0
        )
        if known == len(parts):
            continue
        source = modules[".".join(parts[:known])].read_text(encoding="utf-8") if known else ""
        if parts[known] not in defined(source):
            missing.append(name)
    return missing


def test_no_text_names_a_module_that_is_not_there():
    modules = find_modules(ROOT, OURS)
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in texts()
        for name in missing_modules(path.read_text(encoding="utf-8"), modules)
    }
    assert missing == set()


def test_no_text_names_a_file_that_is_not_there():
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in texts()
        for name in _FILE.findall(path.read_text(encoding="utf-8"))
        # Mutants name their tests as seen from the folder of the tests.
        if not (ROOT / name).exists() and not (ROOT / "tests" / name).exists()
    }
    assert missing == set()


def ends_wrongly(content):
    """Whether a text does not end in one line end; whatever holds a zero byte is none."""
    is_text = content and b"\0" not in content
    return bool(is_text) and (not content.endswith(b"\n") or content.endswith(b"\n\n"))


def test_every_text_ends_in_one_line_end():
    assert [str(path) for path in files_in(ROOT) if ends_wrongly(path.read_bytes())] == []
    given = (b"x", b"x\n\n", b"x\n", b"", b"\0")
    assert [ends_wrongly(one) for one in given] == [True, True, False, False, False]


def test_names_that_are_gone_are_found():
    modules = find_modules(ROOT, OURS)
    text = "`recsys_lib.gone`, recsys_lib.training.metrics, recsys_lib.training.metrics.no_score"
    text += " and recsys_lib.training.metrics.auc; python -m bookmaker.nothing"
    expected = ["recsys_lib.gone", "recsys_lib.training.metrics.no_score", "bookmaker.nothing"]
    assert missing_modules(text, modules) == expected
    assert _FILE.findall("see tests/project/gone.py and `docs/lesson.png`") == [
        "tests/project/gone.py",
        "docs/lesson.png",
    ]
    assert commands("`python -m bookmaker grade folder \\\n --into x`; $(PY) -m ruff") == [
        ("bookmaker", ["grade", "folder", "--into", "x"]),
        ("ruff", []),
    ]
