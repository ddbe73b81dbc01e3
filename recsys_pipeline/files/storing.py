"""Put the encoded blocks of a split together, in memory or in the files of a cache."""

import contextlib
from collections.abc import Iterable

import numpy as np

from recsys_pipeline.chunks.cache import Writer

Name = tuple[str, str | None]
"""How an array is named: the field of ``Split``, and its key there."""


def together(blocks: Iterable[dict[Name, np.ndarray]]) -> dict[Name, np.ndarray]:
    """The arrays of all blocks, one behind the other."""
    found = list(blocks)
    if len(found) == 1:
        return found[0]
    return {name: np.concatenate([block[name] for block in found]) for name in found[0]}


def write(
    writer: Writer, split_name: str, num_rows: int, blocks: Iterable[dict[Name, np.ndarray]]
) -> None:
    """Write the arrays of all blocks into a cache; one block at a time is in memory.

    Args:
        writer: of the cache.
        split_name: of their split.
        num_rows: of all blocks together.
        blocks: all with the same arrays.
    """
    files = {}
    with contextlib.ExitStack() as stack:
        for block in blocks:
            for name, array in block.items():
                if name not in files:
                    path = writer.place(split_name, *name)
                    files[name] = stack.enter_context(open(writer.folder / path, "wb")), path
                    header = np.lib.format.header_data_from_array_1_0(array[:0])
                    header |= {"shape": (num_rows, *array.shape[1:]), "fortran_order": False}
                    np.lib.format.write_array_header_1_0(files[name][0], header)
                np.ascontiguousarray(array).tofile(files[name][0])
    for name, (_, path) in files.items():
        writer.register(split_name, *name, path, num_rows)
