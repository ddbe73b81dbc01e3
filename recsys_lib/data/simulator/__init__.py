"""The simulated platform: seeded data whose true click probability of every row is known.

One function per lens, each in a module of its own name; ``world`` holds what all lenses share and
``LENSES`` what their arguments, the knobs, may be. A lens plants exactly the effect that its
chapter is about, has knobs to turn that effect, and returns a ``SimulatedDataset``: an ordinary
``Dataset`` with the planted structure in ``truth``.
"""

from recsys_lib.data.simulator.correlated_regression import correlated_regression
from recsys_lib.data.simulator.days import columns_of_day, day_of, days
from recsys_lib.data.simulator.drift import drift
from recsys_lib.data.simulator.functions import function_value
from recsys_lib.data.simulator.funnel import funnel
from recsys_lib.data.simulator.higher_order import higher_order
from recsys_lib.data.simulator.interests import interests
from recsys_lib.data.simulator.lenses import LENSES
from recsys_lib.data.simulator.long_history import long_history, relevant_steps
from recsys_lib.data.simulator.memorization import memorization
from recsys_lib.data.simulator.ordinary import ordinary
from recsys_lib.data.simulator.platform import platform, whole_requests
from recsys_lib.data.simulator.scenarios import scenarios
from recsys_lib.data.simulator.second_order import second_order
from recsys_lib.data.simulator.sessions import sessions
from recsys_lib.data.simulator.shown_by_level import shown_by_level
from recsys_lib.data.simulator.task_tastes import task_tastes
from recsys_lib.data.simulator.tasks import tasks
from recsys_lib.data.simulator.topic_and_price import topic_and_price
from recsys_lib.data.simulator.world import SimulatedDataset

__all__ = [
    "LENSES",
    "SimulatedDataset",
    "columns_of_day",
    "correlated_regression",
    "day_of",
    "days",
    "drift",
    "function_value",
    "funnel",
    "higher_order",
    "interests",
    "long_history",
    "memorization",
    "ordinary",
    "platform",
    "relevant_steps",
    "scenarios",
    "second_order",
    "sessions",
    "shown_by_level",
    "task_tastes",
    "tasks",
    "topic_and_price",
    "whole_requests",
]
