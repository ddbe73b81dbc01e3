"""Finds the declarations: one file per question, ``experiments/<chapter>/<name>.py``."""

import runpy
from collections.abc import Iterable
from pathlib import Path

from experiments.engine.declaration import Experiment

FOLDER = Path(__file__).parents[1]
RESULTS = FOLDER / "results"
"""Folder of the records."""
_ENGINE = Path(__file__).parent.name


def identifiers(folder: Path = FOLDER) -> list[str]:
    """Identifiers of all declared experiments, in alphabetical order.

    Args:
        folder: that holds a folder for each chapter.
    """
    found = (path for path in Path(folder).glob("*/[!_]*.py") if path.parent.name != _ENGINE)
    return sorted(f"{path.parent.name}.{path.stem}" for path in found)


def path_of(identifier: str, folder: Path = FOLDER) -> Path:
    """Where an experiment is declared."""
    chapter, _, name = identifier.partition(".")
    return Path(folder) / chapter / f"{name}.py"


def load(identifier: str, folder: Path = FOLDER) -> Experiment:
    """The declaration of an experiment, read anew.

    Args:
        identifier: ``"chapter.name"``.
        folder: that holds a folder for each chapter.

    Returns:
        The ``Experiment``.

    Raises:
        ValueError: there is none of this name, or its file declares none or another.
    """
    path = path_of(identifier, folder)
    if not path.is_file():
        known = identifiers(folder)
        raise ValueError(f"experiment: expected one of {known}, got {identifier!r}")
    # From the text: kept bytecode goes by size and by seconds, and a margin that is changed
    # within a second of the last reading would go unseen.
    found = runpy.run_path(str(path)).get("EXPERIMENT")
    if not isinstance(found, Experiment):
        raise ValueError(f"{path.name}: expected EXPERIMENT = Experiment(...), got {found!r}")
    if (named := found.identifier) != identifier:
        raise ValueError(f"{path.name}, identifier: expected {identifier!r}, got {named!r}")
    return found


def choose(wanted: Iterable[str] = (), folder: Path = FOLDER) -> list[Experiment]:
    """The experiments of these identifiers or chapters; none named: all."""
    known = identifiers(folder)
    chosen: dict[str, None] = {}
    for one in wanted:
        if not (matching := [name for name in known if one in (name, name.split(".")[0])]):
            raise ValueError(f"experiment: expected one of {known} or a chapter, got {one!r}")
        chosen |= dict.fromkeys(matching)
    return [load(name, folder) for name in (chosen or known)]
