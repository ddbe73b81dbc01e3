"""``suggest``: a first ``data.toml`` by looking at all rows, with the reason beside each guess."""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from recsys_pipeline.files.batches import Batches
from recsys_pipeline.files.guess_columns import Guesses
from recsys_pipeline.files.parsing import parse
from recsys_pipeline.files.sources import format_of
from recsys_pipeline.files.writing import Writer


def suggest(
    paths: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,
    header: bool = True,
    separator: str | None = None,
    label: Iterable[str] = (),
    time: str | None = None,
    group: str | None = None,
    folder: str | Path = ".",
) -> str:
    """A first description of files, guessed from all of their rows.

    Everything in it is a guess, with its reason beside it. Read it before you train. The files are
    read as a stream, twice if they have lists; memory does not grow with them.

    Args:
        paths: one file, or train, valid and test.
        format, header, separator: as for ``load``; a separator that the first line makes plain need
            not be given.
        label, time, group: names of columns, if they are known.
        folder: of the description; paths are written relative to it.

    Returns:
        The text of a ``data.toml``.

    Raises:
        ValueError: a file that cannot be read, or in which no column looks like a label.
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(one) for one in paths]
    if len(files) not in (1, 3):
        raise ValueError(f"paths: expected one file, or train, valid and test, got {len(files)}")
    kind = format_of(files[0], format)
    if kind not in ("csv", "parquet"):
        raise ValueError(
            f"{files[0]}: expected CSV or Parquet, whose columns have names, got {kind}"
        )
    batches = Batches(files, kind, header, separator)
    for name in (*label, time, group):
        if name is not None and name not in batches.names:
            raise ValueError(
                f"{files[0]}: expected one of the columns {batches.names}, got {name!r}"
            )
    guesses = Guesses(batches, tuple(label), time, group)
    text = Writer(guesses, files, Path(folder), format is not None).text()
    parse({**tomllib.loads(text), "folder": folder})
    return text
