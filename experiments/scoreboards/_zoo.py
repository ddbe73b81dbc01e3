"""The arms of a scoreboard: what of the zoo fits a log, all tuned with the same budget.

Left out are models that need what a log does not have here: several tasks, scenarios, sessions, and
histories of thousands, among which there is something to search.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.arms import Arm
from experiments.sequence._logs import HEAD, LINEAR_SPACE, SCALES, SPACE, references
from recsys_lib import zoo

NEEDS = ("sessions", "scenario", "several tasks", "two tasks")
WIDTH = HEAD["embedding_dim"]
_SEARCHES = ("sim", "eta", "twin", "sdim")
_LINEAR = "lr"
_OWN: Mapping[str, dict[str, Any]] = {
    "din": {"attention_units": (16,)},
    "dien": {"auxiliary_weight": 0.0},
}
"""What an arm sets beside the common head: DIN's unit and DIEN's loss as in ``sequence``."""


def scoreboard(columns: Sequence[str]) -> list[Arm]:
    """The two references, and every model that fits.

    Args:
        columns: names of those that describe a request and what is known of user and item. All
            models read them; those of chapter 04 read ``history``, too.
    """
    rows = [row for row in zoo.without(NEEDS) if row.key not in (_LINEAR, *_SEARCHES)]
    return [*references(columns), *(_arm(row, columns) for row in rows)]


def _arm(row: zoo.Model, columns: Sequence[str]) -> Arm:
    known = inspect.signature(row.function).parameters
    space = SPACE if "embedding_l2" in known else LINEAR_SPACE
    if not row.needs:
        options = {"embedding_dim": WIDTH} if "embedding_dim" in known else {}
        return Arm(name=row.name, model=row.key, space=space, options=options, columns=columns)
    return Arm(
        name=row.name,
        model=row.key,
        space=space | (SCALES if row.key == "din" else {}),
        options=HEAD | _OWN.get(row.key, {}),
        columns=(*columns, "history"),
    )
