"""KuaiRand's fourteen days: what is a day of training worth on the next one?

Clicks of the last three days, each scored by the model of the evening before. The features do not
move with the day (past counts and rates, which even an old model would read fresh, are left out).
The tab is left out as well, so that all rows judge a trial alike. A page is what a user was shown
on one day: one model scored it, where a user's rows of three days have three.
"""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import better, level, not_worse
from experiments.engine.declaration import Experiment
from experiments.sequence.kuairand import VIDEO

POLICY = "experiments.one_request._policies:day_by_day"
READ = ("user_id", "user_active_degree", *VIDEO, "hour")
SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 3e-3, 1e-2),
    "epochs": (1, 2, 4),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4),
}
DAILY: dict[str, Any] = {"daily_rate": (0.3, 1.0), "daily_epochs": (1, 2)}
FIXED: dict[str, Any] = {"batch_size": 1024}
OLD: dict[str, Any] = {"policy": "stale", "age": 7}
LAST: dict[str, Any] = {"policy": "fresh", "window": 4}


def policy(name: str, **more: Any) -> Arm:
    """An arm that reads what all read."""
    options = FIXED | more.pop("options")
    return Arm(name=name, model=POLICY, columns=READ, options=options, **more)


EXPERIMENT = Experiment(
    identifier="one_request.kuairand_days",
    question="On KuaiRand, how much is lost by a model that is not trained every day?",
    data="kuairand_pure",
    split="days",
    knobs={"columns": READ, "new_ids": True, "gap": "1d", "surface": "day"},
    arms=[
        policy("fresh, all days", space=SPACE, options={"policy": "fresh", "window": None}),
        policy("warm", space=SPACE | DAILY, options={"policy": "warm", "warm_up": 4}),
        policy("stale", inherits="fresh, all days", options={"policy": "stale", "age": 0}),
        policy("fresh, last four days", space=SPACE, options=LAST),
        policy("four days, a week old", inherits="fresh, last four days", options=OLD),
    ],
    contrasts=[
        level(
            "warm_is_level",
            "A warm start is level with a fresh start on all days.",
            "warm",
            "fresh, all days",
        ),
        better(
            "a_week_costs",
            "Of four days of rows, the last ones are worth more than those of a week ago.",
            "fresh, last four days",
            "four days, a week old",
        ),
        better(
            "more_days_help",
            "All days are worth more than the last four.",
            "fresh, all days",
            "fresh, last four days",
        ),
        not_worse(
            "three_days_without_training",
            "A model that misses the last two evenings is not worse than one that does not.",
            "stale",
            "fresh, all days",
        ),
    ],
)
