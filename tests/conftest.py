"""Sets TensorFlow's environment before any test module imports TensorFlow; seeds every test.

``make test`` passes two options. ``--selected FILE`` leaves out mutants and grading that FILE does
not name, see ``bookmaker.selection``; ``--warm-kernels`` spares each notebook the import of
TensorFlow, see ``bookmaker.warm_kernels``.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

import recsys_lib  # noqa: F401

SEED = 20240


@pytest.fixture(autouse=True)
def _same_random_numbers_in_every_run():
    """Seed Python and NumPy, and Keras where a test module has imported it."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002  what a test may reach through a library
    keras = sys.modules.get("keras")
    if keras is not None:
        keras.utils.set_random_seed(SEED)


def pytest_addoption(parser):
    parser.addoption("--selected", type=Path, help="of mutants and grading run what FILE names")
    parser.addoption(
        "--warm-kernels", action="store_true", help="fork the kernels of notebooks from one process"
    )


def pytest_configure(config):
    if config.getoption("--warm-kernels"):
        from bookmaker import warm_kernels

        warm_kernels.install()


def pytest_unconfigure(config):
    if config.getoption("--warm-kernels"):
        from bookmaker import warm_kernels

        warm_kernels.close()


def pytest_collection_modifyitems(config, items):
    path = config.getoption("--selected")
    if path is None:
        return
    run = json.loads(path.read_text(encoding="utf-8"))["run"]
    kept, left_out = [], []
    for item in items:
        kind, name = _selectable(item)
        (kept if kind is None or name in run[kind] else left_out).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


def _selectable(item):
    """Kind and name by which a test may be left out; no kind for all that always run."""
    from bookmaker import selection

    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if getattr(item, "originalname", None) == "test_the_mutant_is_rejected":
        mutant = parameters["mutant"]
        return "mutants", selection.group_of(mutant.file, mutant.tests)
    if item.path.name == "test_grading_of_the_book.py" and "file" in parameters:
        return "grading", selection.lesson_of(parameters["file"].path)
    return None, None
