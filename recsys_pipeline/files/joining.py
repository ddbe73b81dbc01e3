"""Tables of users and items, whose columns join those of the log by a key."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.files.description import (
    FORMATS_OF_TABLES,
    Description,
    TableDescription,
)
from recsys_pipeline.files.rows import Rows
from recsys_pipeline.files.sources import Source, files_matching, format_of, open_sources


class Table:
    """A table in files; ``join`` reads it and finds each row of a log in it.

    Args:
        said: its description.
        sources: its files.

    Raises:
        ValueError: no column that is called like the key.
    """

    def __init__(self, said: TableDescription, sources: Sequence[Source]) -> None:
        self.said, self.sources = said, sources
        first = sources[0]
        if said.key not in first.names:
            raise ValueError(
                f"{first.path}: expected the key {said.key!r} among its columns, got {first.names}"
            )
        self.names = [name for name in first.names if name != said.key]
        self.numbers = first.numbers
        self.paths = [source.path for source in sources]

    def join(self, log: Rows, wanted: Mapping[str, Collection[str]]) -> np.ndarray:
        """Read the columns, and add them to those of a log.

        Args:
            log: the rows that get them; where the table has no row for one, they are missing.
            wanted: the columns, as for ``Rows``; others than those of the table are not read.

        Returns:
            ``(N,)`` bool: the rows of the log whose key the table does not hold.

        Raises:
            ValueError: a key that stands in two rows, or is missing; a value that cannot be read.
        """
        key = self.said.key
        mine = {name: kinds for name, kinds in wanted.items() if name in self.names}
        rows = Rows(self.sources, ["all"] * len(self.sources), {**mine, key: {"category"}})
        found = rows.categories(key)
        if (found.codes < 0).any():
            place = rows.place(int(np.argmin(found.codes)))
            raise ValueError(f"{place}, column {key!r}: expected a key on every row, got nothing")
        order = np.argsort(found.codes, kind="stable")
        again = np.flatnonzero(np.diff(found.codes[order]) == 0)
        if len(again):
            one, other = (int(row) for row in order[again[0] : again[0] + 2])
            value = found.values[int(found.codes[one])].as_py()
            raise ValueError(
                f"{rows.place(other)}, column {key!r}: expected each key once, got {value!r} as in "
                f"{rows.place(one)}"
            )
        # Codes of the table are numbers of its values, each of which stands in one row.
        row_of = np.full(len(found.values) + 1, -1, np.int32)
        row_of[found.codes] = np.arange(len(rows))
        asked = log.categories(self.said.column)
        place = pc.index_in(asked.values.cast(pa.string()), found.values.cast(pa.string()))
        known = np.append(pc.fill_null(place, -1).to_numpy(zero_copy_only=False), -1)
        found_at = row_of[known[asked.codes]]
        log.add(mine, rows, found_at)
        return found_at < 0


def open_tables(description: Description) -> list[Table]:
    """The tables of a description; no row is read.

    Raises:
        ValueError: a missing file, or one that cannot be read.
    """
    found = []
    for said in description.tables:
        paths = files_matching(description.folder / said.file)
        if format_of(paths[0], said.format) not in FORMATS_OF_TABLES:
            raise ValueError(f"{paths[0]}: expected CSV or Parquet, whose columns have names")
        found.append(Table(said, open_sources(paths, said)))
    return found
