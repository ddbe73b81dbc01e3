"""Put the encoded blocks of a split together, in memory or in the files of a cache."""

import contextlib
from collections.abc import Iterable

import numpy as np

from recsys_pipeline.chunks.cache import Writer
from recsys_pipeline.chunks.folder import Growing, Name


def together(blocks: Iterable[dict[Name, np.ndarray]]) -> dict[Name, np.ndarray]:
    """The arrays of all blocks, one behind the other."""
    found = list(blocks)
    if len(found) == 1:
        return found[0]
    return {name: np.concatenate([block[name] for block in found]) for name in found[0]}


def write(writer: Writer, split_name: str, blocks: Iterable[dict[Name, np.ndarray]]) -> None:
    """Write the arrays of all blocks into a cache; one block at a time is in memory.

    Args:
        writer: of the cache.
        split_name: of their split.
        blocks: all with the same arrays.
    """
    files: dict[Name, Growing] = {}
    with contextlib.ExitStack() as stack:
        for block in blocks:
            for name, array in block.items():
                if name not in files:
                    file = Growing(writer.folder, writer.place(split_name, *name), array)
                    files[name] = stack.enter_context(contextlib.closing(file))
                files[name].append(array)
    for name, file in files.items():
        writer.register(split_name, *name, file.file_name, file.num_rows)
