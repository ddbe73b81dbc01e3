"""Every day brings new items and moves the tastes: which policy keeps a model good?

Two weeks of the lens ``days``: four days to begin with, four on which policies are tuned, six on
which they are tested. All policies have one model, FM, and one head.
"""

from typing import Any

from experiments.engine.arms import Arm, Sweep
from experiments.engine.contrasts import better, level, not_worse, trend
from experiments.engine.declaration import Experiment

POLICY = "experiments.one_request._policies:day_by_day"
SPACE: dict[str, Any] = {
    "learning_rate": (3e-3, 1e-2, 3e-2),
    "epochs": (2, 4, 8),
    "embedding_l2": (0.0, 1e-5, 1e-4),
}
DAILY: dict[str, Any] = {"daily_rate": (0.1, 0.3, 1.0), "daily_epochs": (1, 2, 4, 8)}
WARM: dict[str, Any] = {"policy": "warm"}
STILL, MOVING, FAST = 0.0, 0.05, 0.2


def of_warm(name: str, **options: Any) -> Arm:
    """A warm start with one thing changed."""
    return Arm(name=name, model=POLICY, inherits="warm", options=WARM | options, side=True)


EXPERIMENT = Experiment(
    identifier="one_request.day_by_day",
    question="How does a model stay good from day to day, and what does the cheap way lose?",
    lens="days",
    sweep=Sweep("drift", (STILL, MOVING, FAST)),
    headline="warm_follows_tastes",
    parts=[*(f"day_{day}" for day in range(1, 7)), "new_items"],
    arms=[
        Arm(name="stale", model=POLICY, space=SPACE, options={"policy": "stale"}),
        Arm(
            name="fresh, all days",
            model=POLICY,
            space=SPACE,
            options={"policy": "fresh", "window": None},
        ),
        Arm(
            name="fresh, last days",
            model=POLICY,
            space=SPACE | {"window": (2, 4, 6)},
            options={"policy": "fresh"},
        ),
        Arm(name="warm", model=POLICY, space=SPACE | DAILY, options=WARM),
        of_warm("warm, hasty", daily_rate=1.0, daily_epochs=16),
        of_warm("warm, new optimizer", keeps_optimizer=False),
        of_warm("warm, without new rows", grows=False),
        of_warm("warm, with old rows", replay=1.0),
    ],
    contrasts=[
        better(
            "warm_follows_tastes",
            "Where tastes move fast, a warm start is ahead of a fresh start on all days.",
            "warm",
            "fresh, all days",
            at=FAST,
        ),
        level(
            "warm_is_level_where_tastes_stay",
            "Where tastes stay, a warm start is level with a fresh start on all days.",
            "warm",
            "fresh, all days",
            at=STILL,
        ),
        trend(
            "movement_favours_warm",
            "The faster tastes move, the more a warm start gains on a fresh start on all days.",
            "warm",
            "fresh, all days",
        ),
        better(
            "old_days_mislead",
            "Where tastes move fast, a fresh start on the last days is ahead of one on all days.",
            "fresh, last days",
            "fresh, all days",
            at=FAST,
        ),
        level(
            "warm_and_last_days_are_level",
            "Where tastes move, a warm start is level with a fresh start on the last days.",
            "warm",
            "fresh, last days",
            at=MOVING,
        ),
        not_worse(
            "fast_warm_against_last_days",
            "Where tastes move fast, a warm start is not behind a fresh start on the last days.",
            "warm",
            "fresh, last days",
            at=FAST,
        ),
        better(
            "new_items_age_a_model",
            "Where tastes stay, a model that is not trained again falls behind by new items.",
            "warm",
            "stale",
            at=STILL,
        ),
        better(
            "tastes_age_a_model",
            "Where tastes move, a model that is not trained again falls far behind.",
            "warm",
            "stale",
            at=MOVING,
            margin=10.0,
        ),
        better(
            "new_ids_want_rows",
            "A warm start whose tables do not grow falls behind one whose tables do.",
            "warm",
            "warm, without new rows",
            at=STILL,
        ),
        better(
            "haste_forgets",
            "Where tastes stay, many passes over the last day forget the days before.",
            "warm",
            "warm, hasty",
            at=STILL,
        ),
        level(
            "statistics_are_soon_made",
            "An optimizer that begins anew each evening is level with one that goes on.",
            "warm",
            "warm, new optimizer",
            at=MOVING,
        ),
        better(
            "old_rows_hold_back",
            "Where tastes move fast, old rows mixed into the new day hold the model back.",
            "warm",
            "warm, with old rows",
            at=FAST,
        ),
    ],
)
