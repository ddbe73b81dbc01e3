"""Replication: do the findings hold on ten worlds that nobody has seen?

A block of ten worlds is opened once for an experiment and noted in ``results/blocks.json``; a
finding that is changed after a fall is judged on the next block.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.engine import blocks, records, statistics
from experiments.engine.contrasts import Contrast
from experiments.engine.declaration import Experiment
from experiments.engine.differences import Compared, cells_of, table_of
from experiments.engine.running import Places, Session
from experiments.engine.validation import RESERVED
from recsys_lib.training.intervals import Interval, t_interval

NUM_WORLDS = 10


def block_of(text: str) -> range:
    """The worlds of a block such as ``"1000:1010"``.

    Raises:
        ValueError: not ten worlds from a multiple of ten, 1000 or more.
    """
    ends = re.fullmatch(r"([1-9][0-9]*):([1-9][0-9]*)", text)
    first, end = map(int, ends.groups()) if ends else (0, 0)
    if first < RESERVED or first % NUM_WORLDS or end != first + NUM_WORLDS:
        raise ValueError(f"worlds: expected ten from {RESERVED} on, as 1000:1010, got {text!r}")
    return range(first, end)


def countable(experiment: Experiment, record: Mapping[str, Any]) -> list[Contrast]:
    """The contrasts that replication judges: confirmed as declared, on worlds, not exploratory.

    Args:
        experiment: the declaration.
        record: its manifest.
    """
    if experiment.is_real:
        return []
    confirmed = {name for name, one in record["findings"].items() if one["confirmed"]}
    return [c for c in experiment.contrasts if c.finding in confirmed and not c.exploratory]


def replicate(experiment: Experiment, block: str, places: Places) -> dict[str, Any]:
    """Measure an experiment's findings on a block, and note what held.

    Args:
        experiment: the declaration.
        block: such as ``"1000:1010"``.
        places: where.

    Returns:
        Dict of finding to what ``judged`` says.

    Raises:
        blocks.Refused: there is no record that answers for the declaration, or the block or a
            later one was opened.
        ValueError: no such block.
    """
    worlds, results, name = block_of(block), places.results, experiment.identifier
    record = records.answering(experiment, results)
    noted = blocks.read_blocks(results)["replicated"]
    own = {other: found[name] for other, found in noted.items() if name in found}
    if block not in own and any(block_of(other).start > worlds.start for other in own):
        raise blocks.Refused(f"{name}: a later block than {block} was opened")
    opened = own.get(block)
    if opened is not None and (opened["record"] != record["record"] or "findings" in opened):
        raise blocks.Refused(f"{name}: block {block} was opened, expected the next one")
    contrasts = countable(experiment, record)
    cells = cells_of(experiment, contrasts, [(world, 0) for world in worlds])
    options_of = functools.partial(records.options_of, experiment, record)
    note: dict[str, Any] = {"record": record["record"]}
    _note(experiment, block, note, results)
    with Session(experiment, places) as session:
        session.do(session.cell_units(cells, options_of), "replicating")
    table = table_of(experiment, session.store, cells)
    found = {c.finding: judged(experiment, c, record, table) for c in contrasts}
    _note(experiment, block, note | {"findings": found}, results)
    return found


def judged(
    experiment: Experiment, contrast: Contrast, record: Mapping[str, Any], table: Any
) -> dict[str, Any]:
    """Whether a finding holds on new worlds, and whether its effect comes back.

    Args:
        experiment: the declaration.
        contrast: of it.
        record: the manifest.
        table: cells of the new worlds.

    Returns:
        Dict: ``verdict``, as recorded; ``effect`` and ``interval`` now; ``held``, on the side that
        the verdict claims; ``chance``, how likely that was; ``back``, inside the old interval
        widened by the new one's half-width.
    """
    finding = record["findings"][contrast.finding]
    said, margin, unit = finding["verdict"], finding["margin"], finding["unit"]
    values = Compared(experiment, contrast, table).differences(unit)
    now = t_interval(values[np.isfinite(values)])
    low, high = finding["interval"]
    before = Interval(finding["effect"], low, high, finding["worlds"])
    return {
        "verdict": said,
        "effect": round(now.mean, 5),
        "interval": [round(now.low, 5), round(now.high, 5)],
        "held": statistics.holds(said, now.mean, margin),
        "chance": round(statistics.chance_to_hold(said, before, margin, NUM_WORLDS), 4),
        "back": statistics.comes_back(now, before),
    }


def lines(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What a replication found, a paragraph for each chapter.

    Args:
        found: identifier of an experiment to what ``replicate`` returned.

    Yields:
        Lines to print.
    """
    for chapter in sorted({identifier.split(".")[0] for identifier in found}):
        own = {name: of for name, of in found.items() if name.split(".")[0] == chapter}
        judged = {f"{name}.{key}": one for name, of in own.items() for key, one in of.items()}
        fell = [name for name, one in judged.items() if not one["held"]]
        if not judged:
            yield f"{chapter}: no finding to replicate"
            continue
        expected = float(np.mean([one["chance"] for one in judged.values()]))
        most = statistics.may_fall(len(judged))
        verdict = "passes" if len(fell) <= most else "does not pass"
        back = sum(one["back"] for one in judged.values())
        yield (
            f"{chapter}: {len(judged) - len(fell)} of {len(judged)} findings held, "
            f"{100 * expected:.0f} % were to be expected; at most {most} may fall: {verdict}; "
            f"{back} of {len(judged)} effects came back"
        )
        for name in fell:
            yield f"  fell: {name}, {judged[name]['verdict']}, now {judged[name]['effect']:g}"


def _note(experiment: Experiment, block: str, what: dict[str, Any], results: Path) -> None:
    kept = blocks.read_blocks(results)
    kept["replicated"].setdefault(block, {})[experiment.identifier] = what
    blocks.write_blocks(kept, results)
