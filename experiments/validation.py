"""What a declaration must be, checked when it is made; each fault is one line."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from experiments.arms import is_ordered
from experiments.contrasts import NAME, Contrast
from recsys_lib.data.simulator.knobs import check_all
from recsys_lib.data.simulator.lenses import LENSES

if TYPE_CHECKING:
    from experiments.declaration import Experiment

IDENTIFIER = re.compile(rf"{NAME.pattern}\.{NAME.pattern}")
SPLITS = {"movielens": "per_user", "kuairand_pure": "days"}
FIT = ("epochs", "batch_size", "patience")
RESERVED, BLOCK = 1_000, 20
"""Worlds from here on are for ``replicate``; the fresh worlds before them are taken in blocks."""
VALUES = (5, 7)
"""How many a tuned option has; one without an order may have fewer."""


def check(experiment: "Experiment") -> None:
    """Raise ``ValueError`` with the first fault of a declaration, in one line.

    Args:
        experiment: the declaration.
    """
    for fault in faults(experiment):
        raise ValueError(f"experiment {experiment.identifier!r}, {fault}")


def faults(experiment: "Experiment") -> Iterator[str]:
    """All faults of a declaration, one line each.

    Args:
        experiment: the declaration.

    Yields:
        "what: expected X, got Y".
    """
    if not IDENTIFIER.fullmatch(experiment.identifier):
        yield f"identifier: expected 'chapter.name', got {experiment.identifier!r}"
    if not experiment.question.strip().endswith("?"):
        yield f"question: expected a question, got {experiment.question!r}"
    yield from _source(experiment)
    if strange := set(experiment.fit) - set(FIT):
        yield f"fit: expected some of {FIT}, got {sorted(strange)}"
    for name in ("worlds", "side_worlds"):
        first, end = getattr(experiment, name)
        if not 3 <= first < end <= RESERVED or end - first < 2:
            yield f"{name}: expected a block of 3 to {RESERVED}, got {first}:{end}"
    main, side = range(*experiment.worlds), range(*experiment.side_worlds)
    if side.start != main.start or side.stop > main.stop:
        yield f"side_worlds: expected the first of the block {main.start}:{main.stop}"
    if experiment.protocol not in (1, 2):
        yield f"protocol: expected 1 or 2, got {experiment.protocol!r}"
    if experiment.protocol == 2:
        yield from _second(experiment)
    yield from _arms(experiment)
    yield from _contrasts(experiment)


def _second(experiment: "Experiment") -> Iterator[str]:
    """What the second protocol asks beside the first."""
    first, end = experiment.worlds
    if first % BLOCK or end - first > BLOCK:
        yield f"worlds: expected at most {BLOCK} from a multiple of {BLOCK} on, got {first}:{end}"
    least, most = VALUES
    for arm in experiment.arms:
        for option, values in arm.space.items():
            if len(values) > most or (is_ordered(values) and len(values) < least):
                yield (
                    f"arm {arm.name!r}, space, {option}: expected {least} to {most} values, "
                    f"got {len(values)}"
                )
    if experiment.is_real:
        asked = {(one.kind, one.arms, one.measure) for one in experiment.contrasts}
        for kind, arms, measure in sorted(asked):
            other = {"auc": "gauc", "gauc": "auc"}.get(measure)
            if other and (kind, arms, other) not in asked:
                yield f"contrasts: expected {' and '.join(arms)} in auc and gauc, got {measure}"


def _source(experiment: "Experiment") -> Iterator[str]:
    if (experiment.lens is None) == (experiment.data is None):
        yield "lens: expected a lens or a data set, got both or none"
        return
    if experiment.data is not None:
        if experiment.data not in SPLITS:
            yield f"data: expected one of {tuple(SPLITS)}, got {experiment.data!r}"
        elif experiment.split != SPLITS[experiment.data]:
            yield f"split: expected {SPLITS[experiment.data]!r}, got {experiment.split!r}"
        if experiment.sweep is not None or experiment.headline is not None:
            yield "data: expected no sweep and no headline, which need knobs"
        return
    if experiment.split is not None:
        yield f"split: expected none beside a lens, got {experiment.split!r}"
    lens = str(experiment.lens)
    if ":" in lens:
        if experiment.headline is not None:
            yield "headline: expected none, the lens declares no knobs to draw"
        return
    if lens not in LENSES:
        yield f"lens: expected one of {sorted(LENSES)}, got {lens!r}"
        return
    knobs, sweep = LENSES[lens].knobs, experiment.sweep
    swept = {} if sweep is None else {sweep.knob: sweep.values}
    if strange := [name for name in (*experiment.knobs, *swept) if name not in knobs]:
        yield f"knobs: expected some of {sorted(knobs)}, got {strange}"
        return
    if "seed" in {*experiment.knobs, *swept}:
        yield "knobs: the world is the seed, expected no other"
    if both := set(swept) & set(experiment.knobs):
        yield f"knobs: {both.pop()} is swept, expected no value beside"
    defaults = {name: knob.default for name, knob in knobs.items()} | dict(experiment.knobs)
    try:
        for point in experiment.points:
            check_all(knobs.values(), defaults | dict.fromkeys(swept, point))
    except ValueError as error:
        yield f"knobs, {error}"


def _names(what: str, names: list[str]) -> Iterator[str]:
    if not names:
        yield f"{what}: expected at least one, got none"
    if len(set(names)) != len(names):
        yield f"{what}: expected different names, got {names}"


def _arms(experiment: "Experiment") -> Iterator[str]:
    names = [arm.name for arm in experiment.arms]
    yield from _names("arms", names)
    if strange := [name for name in experiment.references if name not in names]:
        yield f"references: expected some of {names}, got {strange}"
    if experiment.references and not experiment.is_real:
        yield "references: expected none on worlds, where contrasts name the rivals"
    for arm in experiment.arms:
        if both := set(arm.options) & set(experiment.fit) | set(arm.space) & set(experiment.fit):
            yield f"arm {arm.name!r}: {sorted(both)} are set for all arms, expected them once"
        try:
            arm.defaults()
        except (ValueError, ImportError, AttributeError) as error:
            yield str(error)
            continue
        if arm.inherits not in (None, *names) or arm.inherits == arm.name:
            yield f"arm {arm.name!r}, inherits: expected another arm, got {arm.inherits!r}"
        elif arm.inherits and experiment.arm(arm.inherits).inherits is not None:
            yield f"arm {arm.name!r}, inherits: {arm.inherits!r} inherits itself"


def _contrasts(experiment: "Experiment") -> Iterator[str]:
    findings = [contrast.finding for contrast in experiment.contrasts]
    yield from _names("contrasts", findings)
    if experiment.headline is not None and experiment.headline not in findings:
        yield f"headline: expected one of {findings}, got {experiment.headline!r}"
    for contrast in experiment.contrasts:
        for fault in _contrast(experiment, contrast):
            yield f"contrast {contrast.finding!r}, {fault}"
        if contrast.finding == experiment.headline and contrast.kind == "trend":
            yield "headline: expected a contrast at one point, got a trend"


def _contrast(experiment: "Experiment", contrast: Contrast) -> Iterator[str]:
    known = {arm.name for arm in experiment.arms}
    if strange := [name for name in contrast.arms if name not in known]:
        yield f"arms: expected some of {sorted(known)}, got {strange}"
        return
    measures = ("auc", "log_loss", "gauc") if experiment.protocol == 2 else ("auc", "log_loss")
    if experiment.is_real and contrast.measure not in measures:
        yield f"measure: expected one of {measures} on real data, got {contrast.measure!r}"
    if experiment.is_real and contrast.part != "all":
        yield f"part: expected all rows of real data, got {contrast.part!r}"
    if contrast.kind != "trend":
        if contrast.at not in experiment.points:
            yield f"at: expected one of {experiment.points}, got {contrast.at!r}"
    elif experiment.sweep is None:
        yield "a trend needs a sweep, got none"
    elif contrast.at is not None:
        yield f"at: expected none, a trend has all points, got {contrast.at!r}"
