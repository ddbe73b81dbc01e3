"""Ranking models for recommenders, written to be read: the library behind the book's lessons.

``recsys_lib.load_model(path)`` reads a saved model, whatever was imported before.

Importing the package sets TensorFlow's environment before TensorFlow is loaded, so that it starts
without log lines and with one choice of kernels. Nothing else happens on import.

That choice, ``TF_ENABLE_ONEDNN_OPTS``, is one switch for a whole process, off unless the
environment says otherwise, so that one machine's numbers do not depend on which kernels oneDNN has
for its processor. Runs are repeatable, bit for bit, with either, and neither is always faster.
Benchmarks measure both and choose for each model. Set the variable before the first import of this
package.
"""

import importlib.abc
import importlib.machinery
import importlib.metadata
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.training.serving import load as load_model
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)

__version__ = "0.1.0"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


class _SilentLoader(importlib.abc.Loader):
    """Loads one module while file descriptor 2 points to the null device."""

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        saved = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, 2)
            self._loader.exec_module(module)
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(null)


class _SilentTensorFlowFinder(importlib.abc.MetaPathFinder):
    """Finds ``tensorflow`` the ordinary way and loads it without its start-up lines."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "tensorflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _SilentLoader(spec.loader)
        return spec


def _plain_tensorflow_is_installed():
    try:
        importlib.metadata.distribution("tensorflow")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


# The `tensorflow` wheel prints lines with process id and time before it reads its log level; the
# `tensorflow-cpu` wheel does not, and needs no detour.
if "tensorflow" not in sys.modules and _plain_tensorflow_is_installed():
    if not any(isinstance(finder, _SilentTensorFlowFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _SilentTensorFlowFinder())
