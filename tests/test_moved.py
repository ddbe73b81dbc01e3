"""Old names of modules: one line says where each went."""

import importlib
import subprocess
import sys

import pytest

from recsys_book.new_names import with_new_names
from recsys_lib.moved import MOVED


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_an_old_name_is_told_and_the_new_one_is_there(old, new):
    # Of a package that has moved the import of the package says so, before that of its module.
    told = next(name for name in MOVED if old == name or old.startswith(f"{name}."))
    with pytest.raises(ImportError, match=rf"^{told}: expected its new name, .*{MOVED[told]};"):
        importlib.import_module(old)
    assert importlib.import_module(new)


def test_an_old_command_says_where_it_went_in_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "recsys_lib.train", "data.toml"], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "`recsys`, module recsys_pipeline.train" in done.stderr


def test_only_import_statements_get_new_names():
    source = "import recsys_lib.export\nfrom recsys_lib.exports import x\nname = 'recsys_lib.book'"
    assert with_new_names(source) == source.replace("lib.export\n", "pipeline.export\n")


def test_names_of_a_package_that_moved_are_imported_apart():
    source = (
        "from recsys_lib.data import Dataset, kuairand, past\nfrom recsys_lib.book import plots"
    )
    assert with_new_names(source) == (
        "from recsys_lib.data import Dataset, kuairand\n"
        "from recsys_lib.data import history as past\nfrom recsys_book import plots"
    )
    layers = "from recsys_lib.layers import BilinearAttention"
    assert with_new_names(layers) == "from recsys_lib.sequence import BilinearAttention"
    assert with_new_names("from recsys_lib import book") == "import recsys_book as book"
