"""Replication: do the findings hold on ten worlds that nobody has seen?

A block of ten worlds is opened once for an experiment and noted in ``results/blocks.json``; a
finding that is changed after a fall is judged on the next block.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments import records
from experiments.arms import as_options
from experiments.contrasts import Contrast
from experiments.declaration import Experiment
from experiments.differences import parts_of, table_of
from experiments.records import RESULTS
from experiments.registry import FOLDER
from experiments.running import Refused, alone
from experiments.statistics import chance_to_hold, holds, may_fall
from experiments.store import BUILD, Store
from experiments.validation import RESERVED
from experiments.workers import NUM_WORKERS, Workers
from recsys_book.paths import write_atomically
from recsys_lib.training.intervals import CANNOT_TELL, Interval
from recsys_lib.training.progress import progress_bar

NUM_WORLDS = 10
LOG = "blocks.json"


def read_blocks(results: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Block to experiment to what was found there.

    Args:
        results: folder of the records.
    """
    path = Path(results) / LOG
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def block_of(text: str) -> range:
    """The worlds of a block such as ``"1000:1010"``.

    Raises:
        ValueError: not ten worlds from a multiple of ten, 1000 or more.
    """
    ends = text.split(":")
    if len(ends) == 2 and all(end.isdecimal() for end in ends):
        first, end = map(int, ends)
        if first >= RESERVED and first % NUM_WORLDS == 0 and end == first + NUM_WORLDS:
            return range(first, end)
    raise ValueError(f"worlds: expected ten from {RESERVED} on, as 1000:1010, got {text!r}")


def countable(experiment: Experiment, record: Mapping[str, Any]) -> list[Contrast]:
    """The contrasts that replication judges: measured on worlds, with a verdict, not exploratory.

    Args:
        experiment: the declaration.
        record: its manifest.
    """
    if experiment.is_real:
        return []
    return [
        contrast
        for contrast in experiment.contrasts
        if record["findings"][contrast.finding]["verdict"] != CANNOT_TELL
        and not contrast.exploratory
    ]


def wanted(
    experiment: Experiment, contrasts: Iterable[Contrast], worlds: range
) -> dict[tuple[Any, int], list[tuple[str, int]]]:
    """The cells that these contrasts need: point and world to arm and initialisation."""
    found: dict[tuple[Any, int], dict[tuple[str, int], None]] = {}
    for contrast in contrasts:
        points: tuple[Any, ...] = (contrast.at,)
        if contrast.kind == "trend":
            points = experiment.points
        elif contrast.kind == "crossing":
            points = contrast.at
        for point in points:
            for world in worlds:
                cells = found.setdefault((point, world), {})
                cells |= {(name, 0): None for name in experiment.others(contrast)}
    return {key: list(cells) for key, cells in found.items()}


def replicate(
    experiment: Experiment,
    block: str,
    *,
    folder: Path = FOLDER,
    results: Path = RESULTS,
    build: Path = BUILD,
    num_workers: int = NUM_WORKERS,
) -> dict[str, Any]:
    """Measure an experiment's findings on a block, and note what held.

    Args:
        experiment: the declaration.
        block: such as ``"1000:1010"``.
        folder: of the declarations.
        results: of the records.
        build: folder of all runs.
        num_workers: processes.

    Returns:
        Dict of finding to ``verdict``, ``effect``, ``held``, ``chance``.

    Raises:
        Refused: there is no record that answers for the declaration, or the block was opened.
        ValueError: no such block.
    """
    worlds = block_of(block)
    reason = records.stale(experiment, results)
    if reason is not None:
        raise Refused(f"{reason}; expected a record that can be replicated")
    record = records.read(experiment.identifier, results)
    assert record is not None
    blocks = read_blocks(results)
    opened = blocks.get(block, {}).get(experiment.identifier)
    if opened is not None and (opened["record"] != record["record"] or "findings" in opened):
        raise Refused(f"{experiment.identifier}: block {block} was opened, expected the next one")
    contrasts = countable(experiment, record)
    _note(experiment, block, {"record": record["record"]}, results)
    cells = wanted(experiment, contrasts, worlds)
    with alone(experiment.identifier, build):
        store = Store(experiment, build)
        _measure(experiment, record, cells, store, folder, num_workers)
    found = {}
    if contrasts:
        table = table_of(experiment, store, cells)
        found = {c.finding: judged(experiment, c, record, table) for c in contrasts}
    _note(experiment, block, {"record": record["record"], "findings": found}, results)
    return found


def judged(
    experiment: Experiment, contrast: Contrast, record: Mapping[str, Any], table: Any
) -> dict[str, Any]:
    """Whether a finding holds on new worlds, and how likely that was.

    Every part of a contrast has to lie on the side that the verdict claims. The chance is that of
    its weakest part.

    Args:
        experiment: the declaration.
        contrast: of it.
        record: the manifest.
        table: cells of the new worlds.
    """
    finding = record["findings"][contrast.finding]
    said, margin, unit = finding["verdict"], finding["margin"], finding["unit"]
    parts = parts_of(experiment, contrast, table, unit)
    means = [float(np.nanmean(part.values)) for part in parts]
    recorded = [
        Interval(one["effect"], one["interval"][0], one["interval"][1], one["worlds"])
        for one in finding["parts"]
    ]
    chances = [chance_to_hold(said, one, margin, NUM_WORLDS) for one in recorded]
    weakest = int(np.argmin(chances))
    return {
        "verdict": said,
        "effect": round(means[weakest], 5),
        "held": all(holds(said, mean, margin) for mean in means),
        "chance": round(min(chances), 4),
    }


def lines(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What a replication found, a paragraph for each chapter.

    Args:
        found: identifier of an experiment to what ``replicate`` returned.

    Yields:
        Lines to print.
    """
    for chapter in sorted({identifier.split(".")[0] for identifier in found}):
        judged = {
            f"{identifier}.{name}": one
            for identifier, findings in found.items()
            if identifier.split(".")[0] == chapter
            for name, one in findings.items()
        }
        fell = [name for name, one in judged.items() if not one["held"]]
        if not judged:
            yield f"{chapter}: no finding to replicate"
            continue
        expected = float(np.mean([one["chance"] for one in judged.values()]))
        most = may_fall(len(judged))
        verdict = "passes" if len(fell) <= most else "does not pass"
        yield (
            f"{chapter}: {len(judged) - len(fell)} of {len(judged)} findings held, "
            f"{100 * expected:.0f} % were to be expected; at most {most} may fall: {verdict}"
        )
        for name in fell:
            yield f"  fell: {name}, {judged[name]['verdict']}, now {judged[name]['effect']:g}"


def _measure(experiment, record, cells, store, folder, num_workers):
    units = []
    for (point, world), wanted_here in cells.items():
        left = [
            one for one in wanted_here if ("cell", one[0], point, world, one[1]) not in store.done
        ]
        if left:
            choices = {name: recorded_options(experiment, record, name, point) for name, _ in left}
            units.append(
                {"kind": "cells", "point": point, "world": world, "cells": left, "choices": choices}
            )
    if not units:
        return
    head = {"folder": str(folder), "identifier": experiment.identifier}
    head["sha256"] = experiment.sha256()
    total = sum(len(unit["cells"]) for unit in units)
    with Workers(num_workers) as workers, progress_bar(None, total, 0) as bar:
        bar.set_description_str(f"{experiment.identifier}, replicating")
        for entry in workers.run(head | {"unit": unit} for unit in units):
            store.add(entry)
            bar.update(1)


def recorded_options(
    experiment: Experiment, record: Mapping[str, Any], arm: str, point: Any
) -> dict[str, Any]:
    """The tuned options of an arm at a point, as the record holds them."""
    nearest = None if experiment.sweep is None else experiment.sweep.nearest(point)
    text = "" if nearest is None else f"{nearest:g}"
    return as_options(record["arms"][arm]["choice"][text]["options"])


def _note(experiment: Experiment, block: str, what: dict[str, Any], results: Path) -> None:
    blocks = read_blocks(results)
    blocks.setdefault(block, {})[experiment.identifier] = what
    text = json.dumps(blocks, indent=1, sort_keys=True)
    write_atomically(Path(results) / LOG, text + "\n")
