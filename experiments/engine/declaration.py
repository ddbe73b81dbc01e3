"""Declarations: what an experiment measures, of which models, on which worlds, decided beforehand.

A file ``experiments/<chapter>/<name>.py`` holds one of them, ``EXPERIMENT = Experiment(...)``. It
is committed before its results are; a changed one needs a new block of worlds. A declaration is its
hash, and not the text of its file.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.engine.arms import DEFAULTS, VARIED, Arm, Sweep, as_json, sha256_of
from experiments.engine.contrasts import Contrast
from experiments.engine.validation import check
from recsys_lib.data.simulator.lenses import LENSES

DATA_MARGINS = {"movielens": 0.003, "kuairand_pure": 0.002}
"""The least difference of AUC, and of log loss, that matters on each data set."""
GAUC_MARGIN = 0.005
"""That of GAUC on both."""

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
        protocol: 2 binds the rules that the first twelve records did not know: spaces of five to
            seven values that extend themselves, unfinished and unstable arms, blocks in order, and
            on real data GAUC beside AUC. 3 adds that models stop and are chosen by what judges,
            that patience grows with the epochs of a longer run, and that runs which stopped early
            and low leave a finding unfinished.
        group: which of the splits' groups is ranked within where order is what judges; None: log
            loss does. Of the third protocol.
        worlds_differ: what a model reaches depends on the world, as on platforms drawn from a
            prior: runs that lie far apart are then no sign of an unstable arm.

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
    protocol: int = 1
    group: str | None = None
    worlds_differ: bool = False

    def __post_init__(self) -> None:
        check(self)

    @property
    def is_real(self) -> bool:
        """Whether it is measured on a data set, and not on worlds."""
        return self.data is not None

    def arm(self, name: str) -> Arm:
        """The arm of this name."""
        return next(arm for arm in self.arms if arm.name == name)

    @property
    def chief(self) -> Contrast:
        """The contrast of the headline."""
        return next(one for one in self.contrasts if one.finding == self.headline)

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

    def tuned_at(self, point: Any) -> Any:
        """The point of tuning that serves a point, also where all knobs are drawn."""
        if self.sweep is None:
            return None
        return self.sweep.nearest(self.chief.at if point == VARIED else point)

    @property
    def watch(self) -> str:
        """What training stops by, where the arm does not say it; as for ``fit``."""
        if self.protocol < 3:
            return "auc"
        return "log_loss" if self.group is None else f"gauc:{self.group}"

    def ordering_group(self, arm: Arm, choice: Mapping[str, Any]) -> str | None:
        """The group within which order chooses an arm's trials; None: log loss does.

        An arm that says what it stops by is chosen by it, too.
        """
        watch = arm.settings(choice).get("watch", self.watch)
        return self.group if watch.startswith("gauc") else None

    def cap_of(self, arm: Arm, choice: Mapping[str, Any]) -> int:
        """The epochs that an arm may train for, with its tuned options."""
        return int(self.option_of(arm, choice, "epochs"))

    def option_of(self, arm: Arm, choice: Mapping[str, Any], name: str) -> Any:
        """One of ``DEFAULTS`` as an arm has it, with its tuned options."""
        return (DEFAULTS | dict(self.fit) | arm.settings(choice))[name]

    @property
    def all_parts(self) -> tuple[str, ...]:
        """Slices that are recorded, ``"all"`` first."""
        return tuple(dict.fromkeys(["all", *self.parts, *(one.part for one in self.contrasts)]))

    def declared(self) -> dict[str, Any]:
        """All fields, as a record shows them."""
        return as_json(dataclasses.asdict(self), self.identifier)

    def canonical(self) -> str:
        """All that decides what is measured and said, as JSON, always in the same letters.

        Fields at their default are left out, so that a new one changes no hash. Wording (the
        question, sentences) is left out, too: it may be improved without new worlds.
        """
        declared = _without_defaults(self, self.protocol)
        return json.dumps(declared, sort_keys=True, separators=(",", ":"))

    def sha256(self) -> str:
        """The hash of the declaration."""
        return sha256_of(self.canonical().encode())


_WORDING = ("question", "sentence")
_NO_ARM: dict[str, Any] = {"columns": None, "side": False, "inherits": None, "at_base_rate": False}
_NO_CONTRAST: dict[str, Any] = {"task": None, "margin": None, "at": None, "bound": None}
_WRITTEN: dict[type, dict[str, Any]] = {
    Arm: {"options": {}, "space": {}, **_NO_ARM},
    Contrast: {"measure": "auc", "part": "all", "exploratory": False, **_NO_CONTRAST},
    Experiment: dict.fromkeys(("lens", "data", "split", "sweep", "headline"))
    | {"knobs": {}, "fit": {}, "parts": [], "references": []}
    | {"worlds": [100, 120], "side_worlds": [100, 110]},
}
"""The fields that the first protocol's hash holds at their default, as they were called then."""


def _without_defaults(value: Any, protocol: int) -> Any:
    if isinstance(value, list | tuple):
        return [_without_defaults(one, protocol) for one in value]
    if not dataclasses.is_dataclass(value):
        return as_json(value, "declaration")
    found = dict(_WRITTEN.get(type(value), {})) if protocol == 1 else {}
    for field in dataclasses.fields(value):
        given = _without_defaults(getattr(value, field.name), protocol)
        make: Any = field.default_factory
        default: Any = field.default if make is dataclasses.MISSING else make()
        is_default = default is not dataclasses.MISSING and given == as_json(default, field.name)
        if field.name not in _WORDING and not is_default:
            found[field.name] = given
    return found


def lens_reference(name: str) -> str:
    """Where a lens's function is, ``"module:function"``."""
    return name if ":" in name else LENSES[name].function
