"""Declarations: what an experiment measures, of which models, on which worlds, decided beforehand.

A file ``experiments/<chapter>/<name>.py`` holds one of them, ``EXPERIMENT = Experiment(...)``. It
is committed before its results are; a changed one needs a new block of worlds.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.arms import Arm, Sweep, as_json
from experiments.contrasts import Contrast
from experiments.validation import check
from recsys_lib.data.simulator.lenses import LENSES

DATA_MARGINS = {"movielens": 0.003, "kuairand_pure": 0.002}
"""The least difference of AUC, and of log loss, that matters on each data set."""

WORLDS, SIDE_WORLDS = (100, 120), (100, 110)
TUNING_WORLDS = (0, 1, 2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """One question, and how it is answered.

    Args:
        identifier: ``"chapter.name"``, as its file is called.
        question: one sentence.
        arms: the models; names differ.
        contrasts: what is to be found out, main finding first.
        lens: key of ``LENSES``, or ``"module:function"``; or else ``data``.
        knobs: of the lens where they differ from its defaults, or options of the data's loader.
        data: key of ``DATA_MARGINS``.
        split: of the data: ``"per_user"`` (MovieLens), ``"days"`` (KuaiRand).
        sweep: of one knob.
        headline: name of the finding that is measured with all continuous knobs drawn, too.
        worlds, side_worlds: first world of the block, and the one after its last.
        fit: options of ``fit`` for all arms.
        parts: slices that are recorded beside those of the contrasts.
        references: on real data: names of the arms that a scoreboard measures all others against.
        amendments: one line for each change since the first record.

    Raises:
        ValueError: fields that do not fit each other, in one line.
    """

    identifier: str
    question: str
    arms: Sequence[Arm]
    contrasts: Sequence[Contrast]
    lens: str | None = None
    knobs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    data: str | None = None
    split: str | None = None
    sweep: Sweep | None = None
    headline: str | None = None
    worlds: tuple[int, int] = WORLDS
    side_worlds: tuple[int, int] = SIDE_WORLDS
    fit: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    parts: Sequence[str] = ()
    references: Sequence[str] = ()
    amendments: Sequence[str] = ()

    def __post_init__(self) -> None:
        check(self)

    @property
    def chapter(self) -> str:
        """Folder of its file."""
        return self.identifier.split(".")[0]

    @property
    def is_real(self) -> bool:
        """Whether it is measured on a data set, and not on worlds."""
        return self.data is not None

    def arm(self, name: str) -> Arm:
        """The arm of this name."""
        return next(arm for arm in self.arms if arm.name == name)

    def others(self, contrast: Contrast) -> tuple[str, ...]:
        """The arms that a contrast compares, those that it leaves unsaid named too."""
        if contrast.kind != "first" or len(contrast.arms) > 1:
            return contrast.arms
        main = [arm.name for arm in self.arms if not arm.side]
        return (*contrast.arms, *(name for name in main if name not in contrast.arms))

    def worlds_of(self, arm: Arm) -> range:
        """The fresh worlds of an arm; on real data the one log, world 0."""
        return range(1) if self.is_real else range(*(self.side_worlds if arm.side else self.worlds))

    @property
    def points(self) -> tuple[Any, ...]:
        """Values of the swept knob; None where nothing is swept."""
        return (None,) if self.sweep is None else tuple(self.sweep.values)

    @property
    def tuning_points(self) -> tuple[Any, ...]:
        """The points at which models are tuned."""
        return (None,) if self.sweep is None else tuple(self.sweep.tune_at)

    @property
    def all_parts(self) -> tuple[str, ...]:
        """Slices that are recorded, ``"all"`` first."""
        named = [*self.parts, *(contrast.part for contrast in self.contrasts)]
        return tuple(dict.fromkeys(["all", *named]))

    def declared(self) -> dict[str, Any]:
        """All that decides what is measured and what is said of it.

        Wording (the question, sentences) and the list of amendments are left out: they may be
        improved without new worlds.
        """
        fields = as_json(dataclasses.asdict(self), self.identifier)
        for name in ("question", "amendments"):
            del fields[name]
        for contrast in fields["contrasts"]:
            del contrast["sentence"]
        return fields

    def canonical(self) -> str:
        """The declaration as JSON, always in the same letters."""
        return json.dumps(self.declared(), sort_keys=True, separators=(",", ":"))

    def sha256(self) -> str:
        """The hash of the declaration."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def lens_reference(name: str) -> str:
    """Where a lens's function is, ``"module:function"``."""
    return name if ":" in name else LENSES[name].function
