"""Freed memory stays in the process while models are trained.

A step frees as many megabytes as it takes. The C library gives large blocks back to the operating
system and asks for them anew in the next step, and every page of them is then zeroed and mapped
again: for DIN, with fifty behaviours a row, that was a fifth to a third of a step.
"""

import ctypes
import functools
import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of the two settings in ``malloc.h`` of the GNU C library."""

_LARGEST_FROM_HEAP = 32 * 2**20
"""Bytes; the largest block that the GNU C library lets come from its heap."""

_NEVER = 2**31 - 1
"""Free bytes at the heap's end above which they are given back."""


@functools.cache
def keep_freed_memory() -> bool:
    """Keep freed blocks of up to 32 MiB for the next step, in the whole process.

    ``Trainer`` calls it. The process then holds what it once needed; no result changes. Nothing is
    done where the environment has settings of its own (``MALLOC_TRIM_THRESHOLD_``,
    ``MALLOC_MMAP_THRESHOLD_``) or the C library is not GNU's.

    Returns:
        Whether both settings are in force by this call.

    Example:
        >>> keep_freed_memory() in (True, False)
        True
    """
    if {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"} & set(os.environ):
        return False
    if not sys.platform.startswith("linux"):
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return False
    return all(
        set_option(name, value) == 1
        for name, value in [(_MMAP_THRESHOLD, _LARGEST_FROM_HEAP), (_TRIM_THRESHOLD, _NEVER)]
    )
