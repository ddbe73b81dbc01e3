"""A file of tests is run again when something changed that it follows from, and else left out."""

from pathlib import Path

import pytest

from bookmaker import selection, unit_tests
from bookmaker.lessons import LessonError

ROOT = Path(__file__).parents[2]
FACE = """\
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.models.dcn import dcn
    from recsys_lib.models.fm import fm
"""
SOURCES = {
    "recsys_lib/__init__.py": "",
    "recsys_lib/checks.py": "",
    "recsys_lib/models/__init__.py": FACE,
    "recsys_lib/models/fm.py": "from recsys_lib import checks\n\ndef fm(x):\n    return 2 * x\n",
    "recsys_lib/models/dcn.py": "def dcn(x):\n    return 3 * x\n",
    "recsys_lib/plans/__init__.py": "",
    "recsys_lib/plans/registry.py": "import importlib\n\nimportlib.import_module(f'{1}')\n",
    "recsys_lib/plans/chapter_02.py": "from recsys_lib.models.fm import fm\n",
    "recsys_lib/board/__init__.py": "",
    "recsys_lib/board/__main__.py": "from recsys_lib.models.fm import fm\n",
    "recsys_lib/board/recipes.py": "from pathlib import Path\n\nSHIPPED = Path(__file__).parent\n",
    "recsys_lib/board/shipped/criteo.toml": "rank = 3\n",
    "recsys_lib/places.py": "import pathlib\n\nALL = pathlib.Path(__file__).parents[1]\n",
    "recsys_lib/own.py": 'CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"\n',
    "recsys_lib/up.py": "from recsys_lib.own import CHAPTERS\n\nROOT = CHAPTERS.parent\n",
    "chapters/one.md": "One.\n",
    "docs/page.md": "A page.\n",
    "docs/other.md": "Another.\n",
    "constraints.txt": "numpy==2.5.5\n",
    ".gitignore": "build/\n*.pyc\n",
    "build/log.txt": "",
    "tests/green.json": "{}",
    "tests/conftest.py": "SEED = 0\n",
    "tests/shared/known.py": "SIX = 6\n",
    "tests/models/test_fm.py": "import known\nfrom recsys_lib.models import fm\n",
    "tests/models/test_dcn.py": "import tiny\nfrom recsys_lib.models import dcn\n",
    "tests/models/tiny.py": "ONE = 1\n",
    "tests/models/test_named.py": "PATCHED = 'recsys_lib.models.dcn.dcn'\n",
    "tests/test_board.py": "from recsys_lib.board import recipes\n",
    "tests/test_plans.py": "from recsys_lib.plans import registry\n",
    "tests/test_page.py": 'PAGE = (Path(__file__).parents[1] / "docs" / "page.md").name\n',
    "tests/test_book.py": "from recsys_lib.own import CHAPTERS\n",
    "tests/test_up.py": "from recsys_lib.up import ROOT\n",
    "tests/test_command.py": "subprocess.run([sys.executable, '-m', 'recsys_lib.board'])\n",
    "tests/test_make.py": "subprocess.run(['make', 'lint'])\n",
    "tests/test_places.py": "from recsys_lib import places\n",
    "tests/project/test_style.py": "",
    "tests/mutants/test_mutants.py": "",
}
FM, DCN, NAMED = (f"tests/models/test_{name}.py" for name in ("fm", "dcn", "named"))
BOARD, PLANS = "tests/test_board.py", "tests/test_plans.py"
COMMAND, PAGE, BOOK = (f"tests/test_{name}.py" for name in ("command", "page", "book"))
READ_ALL = {f"tests/{name}.py" for name in ("test_up", "test_places", "test_make")}
READ_ALL.add("tests/project/test_style.py")
EVERY = {FM, DCN, NAMED, BOARD, PLANS, COMMAND, PAGE, BOOK, *READ_ALL}


@pytest.fixture
def tree(tmp_path):
    """The root of a small project with two models and tests that find them in several ways."""
    for name, source in SOURCES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path / "project"


def appended(path, text="\nLATER = 1\n"):
    with path.open("a") as file:
        file.write(text)


@pytest.mark.parametrize(
    ("changed", "forced"),
    [
        ("recsys_lib/models/fm.py", {FM, PLANS, COMMAND}),
        ("recsys_lib/models/dcn.py", {DCN, NAMED}),
        ("recsys_lib/checks.py", {FM, PLANS, COMMAND}),
        ("tests/models/test_dcn.py", {DCN}),
        ("tests/models/tiny.py", {DCN}),
        ("tests/shared/known.py", {FM}),
        ("recsys_lib/board/shipped/criteo.toml", {BOARD}),
        ("docs/page.md", {PAGE}),
        ("docs/other.md", set()),
        ("chapters/one.md", {BOOK}),
        ("tests/conftest.py", EVERY),
        ("constraints.txt", EVERY),
    ],
)
def test_a_change_forces_the_tests_that_follow_from_it(tree, changed, forced):
    before = unit_tests.hashes(tree)
    assert set(before) == EVERY and unit_tests.hashes(tree) == before
    appended(tree / changed)
    after = unit_tests.hashes(tree)
    # What reads files by their paths may have read any of them.
    assert {name for name in after if after[name] != before[name]} == forced | READ_ALL


def test_comments_and_docstrings_count_for_tests_that_read_them(tree):
    (tree / "tests" / "test_words.py").write_text(
        "from recsys_lib.models import fm\n\nassert fm.__doc__ is None\n"
    )
    before = unit_tests.hashes(tree)
    appended(tree / "recsys_lib/models/fm.py", '\n# A comment.\n"""A docstring."""\n')
    after = unit_tests.hashes(tree)
    forced = {name for name in after if after[name] != before[name]}
    assert forced == {"tests/test_words.py", *READ_ALL}


def test_what_git_ignores_and_the_record_itself_change_nothing(tree):
    before = unit_tests.hashes(tree)
    appended(tree / "build" / "log.txt")
    appended(tree / "tests" / "green.json")
    assert unit_tests.hashes(tree) == before


def test_a_new_file_of_tests_is_always_taken(tree):
    green = {"tests": unit_tests.hashes(tree)}
    (tree / "tests" / "test_new.py").write_text("from recsys_lib.models import fm\n")
    nothing = {kind: {} for kind in selection.KINDS}
    chosen = selection.select(nothing | {"tests": unit_tests.hashes(tree)}, green, {})
    assert set(chosen.changed["tests"]) == {"tests/test_new.py", *READ_ALL}


def test_an_import_that_leads_nowhere_is_said_with_its_file(tree):
    (tree / FM).write_text("from recsys_lib.gone import fm\n")
    with pytest.raises(LessonError, match=r"test_fm\.py: recsys_lib\.gone: no such module"):
        unit_tests.hashes(tree)


def test_of_the_book_a_model_forces_its_tests_and_not_those_of_others():
    reader = unit_tests.Reader()

    def reads(name):
        path = ROOT / "tests" / name
        return ROOT / "recsys_lib" / "sequence" / "din.py" in reader.files(path)

    assert reads("sequence/test_din.py") and reads("contract/test_promises.py")
    assert not reads("sequence/test_bst.py") and not reads("second_order/test_fm.py")
    assert not reads("data/test_simulator_world.py")
