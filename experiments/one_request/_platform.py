"""What the experiments of whole requests share: the platform, the space, and how arms are named."""

from typing import Any

from experiments.engine.arms import Arm
from experiments.engine.contrasts import Contrast, better, level, not_worse

PLATFORM: dict[str, Any] = {
    "num_rows": 240_000,
    "num_valid_rows": 30_000,
    "num_test_rows": 20_000,
}
SURFACES = ("surface_1", "surface_2", "surface_3")
SMALLEST = SURFACES[-1]
RANKER = "experiments.one_request._pages:ranker"
SPACE: dict[str, Any] = {
    "learning_rate": (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2),
    "embedding_l2": (0.0, 1e-6, 1e-5, 1e-4, 1e-3),
}


def ranker(name: str, **options: Any) -> Arm:
    """A ranker that is tuned itself."""
    return Arm(name=name, model=RANKER, space=SPACE, options=options)


def after(name: str, base: str, *, side: bool = False, **options: Any) -> Arm:
    """The trained ranker of another arm, with something else after its training."""
    return Arm(name=name, model=RANKER, inherits=base, options=options, side=side)


def earns_more(finding: str, sentence: str, a: str, b: str, **more: Any) -> Contrast:
    """Pages of ``a`` earn more than those of ``b``."""
    return better(finding, sentence, a, b, **{"measure": "money", "task": "page"} | more)


def earns_as_much(finding: str, sentence: str, a: str, b: str, **more: Any) -> Contrast:
    """Pages of ``a`` and of ``b`` earn the same, within the margin."""
    return level(finding, sentence, a, b, **{"measure": "money", "task": "page"} | more)


def earns_no_less(finding: str, sentence: str, a: str, b: str, **more: Any) -> Contrast:
    """Pages of ``a`` do not earn less than those of ``b``."""
    return not_worse(finding, sentence, a, b, **{"measure": "money", "task": "page"} | more)
