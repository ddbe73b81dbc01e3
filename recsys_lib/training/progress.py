"""The progress bar of a run."""

import contextlib
import os
import sys

from tqdm.auto import tqdm


@contextlib.contextmanager
def progress_bar(progress, total, initial):
    """A bar that disappears when the run ends, however it ends; off where nobody watches.

    Args:
        progress: as for ``fit``.
        total, initial: steps of the whole run, and those done before.
    """
    if progress is None:
        # A package that works on notebooks imports ipykernel too, so ask whether a kernel runs.
        kernel = sys.modules.get("ipykernel.kernelapp")
        in_notebook = kernel is not None and kernel.IPKernelApp.initialized()
        watched = sys.stderr.isatty() or in_notebook
        progress = watched and os.environ.get("RECSYS_PROGRESS", "1") != "0"
    words = {"unit": "step", "desc": "training"}
    bar = tqdm(total=total, initial=initial, leave=False, disable=not progress, **words)
    try:
        yield bar
    finally:
        # A notebook's bar that is closed short of its total stays, in red; early stopping is
        # no failure.
        bar.total = bar.n
        bar.close()
