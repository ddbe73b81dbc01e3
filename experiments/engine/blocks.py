"""Opened worlds, ``results/blocks.json``: which declaration was measured where, and what held.

``opened`` has an entry for each block of fresh worlds that a declaration was measured on, whatever
became of it. ``replicated`` has the blocks of ``replicate``. ``withdrawn``, written by hand, has
the findings that the book does not say although they are confirmed, each with its reason.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.engine.arms import as_json
from experiments.engine.declaration import WORLDS, Experiment
from experiments.engine.registry import FOLDER, RESULTS
from experiments.engine.repository import hashes, head
from experiments.engine.validation import BLOCK, RESERVED
from recsys_book.base.paths import write_atomically
from recsys_book.records.withdrawn import BLOCKS, read_blocks
from recsys_lib.data.simulator.lenses import LENSES


class Refused(RuntimeError):
    """A run that must not begin; the message is one line."""


def write_blocks(blocks: Mapping[str, Any], results: Path = RESULTS) -> None:
    """Replace what is noted, in one step."""
    path = Path(results) / BLOCKS
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(blocks, indent=1, sort_keys=True) + "\n")


def entry_of(experiment: Experiment, commit: str | None) -> dict[str, Any]:
    """What is noted of an experiment's fresh worlds.

    Args:
        experiment: on a lens.
        commit: that was checked out when they were opened.
    """
    return {
        "experiment": experiment.identifier,
        "lens": experiment.lens,
        "knobs": as_json(dict(experiment.knobs), experiment.identifier),
        "sweep": {one.knob: list(one.values) for one in [experiment.sweep] if one is not None},
        "worlds": list(experiment.worlds),
        "declaration": experiment.sha256(),
        "commit": commit,
    }


def points_of(entry: Mapping[str, Any]) -> set[str]:
    """Every setting of the lens's knobs on which an entry's worlds were opened, as JSON.

    A knob that is not named has its default, and a swept one each of its values.

    Args:
        entry: of ``entry_of``.
    """
    known = LENSES[entry["lens"]].defaults if entry["lens"] in LENSES else {}
    # An entry of before sweeps were noted has none.
    swept = [{name: one} for name, found in entry.get("sweep", {}).items() for one in found] or [{}]
    return {json.dumps(known | entry["knobs"] | one, sort_keys=True) for one in swept}


def note_opened(entry: Mapping[str, Any], results: Path = RESULTS) -> None:
    """Note opened worlds, once, whatever commit was checked out.

    Args:
        entry: of ``entry_of``.
        results: folder of the records.
    """
    blocks = read_blocks(results)
    if not is_noted(entry, blocks["opened"]):
        blocks["opened"].append(entry)
    write_blocks(blocks, results)


def is_noted(entry: Mapping[str, Any], opened: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an entry is among those of opened worlds, whatever commit was checked out."""
    return any({**one, "commit": None} == {**entry, "commit": None} for one in opened)


def refusal(
    experiment: Experiment, worlds: Iterable[int], opened: Iterable[Any], folder: Path = FOLDER
) -> str | None:
    """Why an experiment may not be measured on a block of worlds; None where it may.

    Its own worlds are opened for one declaration, whatever in it changed. Those of another
    experiment on the same lens are fresh, where one point of the knobs is the same, only to a
    declaration that was committed before.

    Args:
        experiment: the declaration.
        worlds: first world of the block, and the one after its last.
        opened: entries of ``entry_of``.
        folder: of the declarations.
    """
    first, end = worlds
    own, wanted = entry_of(experiment, None), f"expected a new block of worlds, got {first}:{end}"
    for one in opened:
        if first >= one["worlds"][1] or one["worlds"][0] >= end:
            continue
        name, block = one["experiment"], "{}:{}".format(*one["worlds"])
        if name == experiment.identifier:
            if one["declaration"] != own["declaration"]:
                return f"the declaration changed, {wanted} after {block}"
        elif one["lens"] == own["lens"] and points_of(one) & points_of(own):
            if hashes(str(one["commit"]), folder).get(own["experiment"]) != own["declaration"]:
                return f"{wanted}: {name} opened {block} before this declaration was committed"
    return None


def open_fresh(experiment: Experiment, folder: Path = FOLDER, results: Path = RESULTS) -> None:
    """Note that the fresh worlds of a declaration are opened.

    Args:
        experiment: the declaration; one on real data opens none.
        folder: of the declarations.
        results: folder of the records.

    Raises:
        Refused: they may not be opened, or, in the second protocol, an earlier block may.
    """
    if experiment.is_real:
        return
    opened = read_blocks(results)["opened"]
    reason = refusal(experiment, experiment.worlds, opened, folder)
    if reason is None and experiment.protocol > 1:
        starts = range(WORLDS[0], RESERVED, BLOCK)
        free = (s for s in starts if not refusal(experiment, (s, s + BLOCK), opened, folder))
        if (first := next(free, None)) != experiment.worlds[0]:
            reason = f"expected the next block of worlds, from {first} on, got {experiment.worlds}"
    if reason is not None:
        raise Refused(f"{experiment.identifier}: {reason}")
    note_opened(entry_of(experiment, head(folder)), results)
