"""The IPython in which a lesson runs."""

import sys
from typing import Any


def running_shell() -> Any:
    """The running IPython, of a kernel or a terminal; None elsewhere, where nobody loaded it."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
