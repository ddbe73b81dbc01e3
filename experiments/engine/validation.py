"""What a declaration must be, checked when it is made; each fault is one line."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from experiments.engine.arms import is_ordered
from experiments.engine.contrasts import JUDGED, NAME, Contrast
from recsys_lib.data.simulator.knobs import check_all
from recsys_lib.data.simulator.lenses import LENSES

if TYPE_CHECKING:
    from experiments.engine.declaration import Experiment

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
    for faults in (_head, _source, _worlds, _arms, _contrasts, _second):
        for fault in faults(experiment):
            # What is checked later may rely on what was checked before.
            raise ValueError(f"experiment {experiment.identifier!r}, {fault}")


def _one_of(what: str, got: Any, known: Collection[Any]) -> Iterator[str]:
    if got not in known:
        yield f"{what}: expected one of {known}, got {got!r}"


def _some_of(what: str, got: Iterable[Any], known: Collection[Any]) -> Iterator[str]:
    if strange := [one for one in got if one not in known]:
        yield f"{what}: expected some of {known}, got {strange}"


def _named(what: str, names: list[str]) -> Iterator[str]:
    if not names:
        yield f"{what}: expected at least one, got none"
    if len(set(names)) != len(names):
        yield f"{what}: expected different names, got {names}"


def _head(experiment: "Experiment") -> Iterator[str]:
    if not IDENTIFIER.fullmatch(experiment.identifier):
        yield f"identifier: expected 'chapter.name', got {experiment.identifier!r}"
    if not experiment.question.strip().endswith("?"):
        yield f"question: expected a question, got {experiment.question!r}"
    yield from _one_of("protocol", experiment.protocol, (1, 2, 3))
    if experiment.group is not None and experiment.protocol < 3:
        yield f"group: expected none before protocol 3, got {experiment.group!r}"
    yield from _some_of("fit", experiment.fit, FIT)


def _source(experiment: "Experiment") -> Iterator[str]:
    if (experiment.lens is None) == (experiment.data is None):
        yield "lens: expected a lens or a data set, got both or none"
    if experiment.data is not None:
        yield from _one_of("data", experiment.data, tuple(SPLITS))
        if experiment.split != SPLITS[experiment.data]:
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
    yield from _one_of("lens", lens, sorted(LENSES))
    knobs, sweep = LENSES[lens].knobs, experiment.sweep
    swept = set() if sweep is None else {sweep.knob}
    yield from _some_of("knobs", (*experiment.knobs, *swept), sorted(knobs))
    if "seed" in {*experiment.knobs, *swept}:
        yield "knobs: the world is the seed, expected no other"
    if both := swept & set(experiment.knobs):
        yield f"knobs: {both.pop()} is swept, expected no value beside"
    defaults = LENSES[lens].defaults | dict(experiment.knobs)
    try:
        for point in experiment.points:
            check_all(knobs.values(), defaults | dict.fromkeys(swept, point))
    except ValueError as error:
        yield f"knobs, {error}"


def _worlds(experiment: "Experiment") -> Iterator[str]:
    for name in ("worlds", "side_worlds"):
        first, end = getattr(experiment, name)
        if not 3 <= first < end <= RESERVED or end - first < 2:
            yield f"{name}: expected a block of 3 to {RESERVED}, got {first}:{end}"
    main, side = range(*experiment.worlds), range(*experiment.side_worlds)
    if side.start != main.start or side.stop > main.stop:
        yield f"side_worlds: expected the first of the block {main.start}:{main.stop}"


def _arms(experiment: "Experiment") -> Iterator[str]:
    names = [arm.name for arm in experiment.arms]
    yield from _named("arms", names)
    yield from _some_of("references", experiment.references, names)
    if experiment.references and not experiment.is_real:
        yield "references: expected none on worlds, where contrasts name the rivals"
    for arm in experiment.arms:
        if both := {*arm.options, *arm.space} & set(experiment.fit):
            yield f"arm {arm.name!r}: {sorted(both)} are set for all arms, expected them once"
        try:
            arm.defaults()
        except (ValueError, ImportError, AttributeError) as error:
            yield str(error)
        if arm.inherits not in (None, *names) or arm.inherits == arm.name:
            yield f"arm {arm.name!r}, inherits: expected another arm, got {arm.inherits!r}"
        elif arm.inherits and experiment.arm(arm.inherits).inherits is not None:
            yield f"arm {arm.name!r}, inherits: {arm.inherits!r} inherits itself"


def _contrasts(experiment: "Experiment") -> Iterator[str]:
    findings = [contrast.finding for contrast in experiment.contrasts]
    yield from _named("contrasts", findings)
    if experiment.headline is not None:
        yield from _one_of("headline", experiment.headline, findings)
        if experiment.chief.kind == "trend":
            yield "headline: expected a contrast at one point, got a trend"
    for contrast in experiment.contrasts:
        for fault in _contrast(experiment, contrast):
            yield f"contrast {contrast.finding!r}, {fault}"


def _contrast(experiment: "Experiment", contrast: Contrast) -> Iterator[str]:
    yield from _some_of("arms", contrast.arms, sorted(arm.name for arm in experiment.arms))
    if experiment.is_real:
        measures = ("auc", "log_loss", "gauc") if experiment.protocol > 1 else ("auc", "log_loss")
        if contrast.measure not in measures:
            yield f"measure: expected one of {measures} on real data, got {contrast.measure!r}"
        if contrast.part != "all":
            yield f"part: expected all rows of real data, got {contrast.part!r}"
        if len(tasks := tuple(experiment.knobs.get("tasks", ()))) > 1:
            yield from _one_of("task", contrast.task, tasks)
    elif contrast.measure in JUDGED and experiment.protocol < 3:
        yield f"measure: expected {contrast.measure!r} in protocol 3 only"
    if contrast.kind != "trend":
        yield from _one_of("at", contrast.at, experiment.points)
    elif experiment.sweep is None:
        yield "a trend needs a sweep, got none"
    elif contrast.at is not None:
        yield f"at: expected none, a trend has all points, got {contrast.at!r}"


def _second(experiment: "Experiment") -> Iterator[str]:
    """What the second protocol asks beside the first."""
    if experiment.protocol == 1:
        return
    first, end = experiment.worlds
    if first % BLOCK or end - first > BLOCK:
        yield f"worlds: expected at most {BLOCK} from a multiple of {BLOCK} on, got {first}:{end}"
    least, most = VALUES
    for arm in experiment.arms:
        for option, values in arm.space.items():
            count, where = len(values), f"arm {arm.name!r}, space, {option}"
            if count > most or (is_ordered(values) and count < least):
                yield f"{where}: expected {least} to {most} values, got {count}"
    if experiment.is_real and experiment.protocol == 2:
        asked = {(c.kind, c.arms, c.task or "", c.measure) for c in experiment.contrasts}
        for *what, measure in sorted(asked):
            other = {"auc": "gauc", "gauc": "auc"}.get(measure)
            if other and (*what, other) not in asked:
                yield f"contrasts: expected {' and '.join(what[1])} in auc and gauc, got {measure}"
