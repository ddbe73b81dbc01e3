"""The session lens: one sitting, one topic; only the current sitting counts.

A history is cut into S sessions of 1 to L behaviours. Each session has a topic of its own; a
behaviour strays, with probability ``noise``, to the topic of one of the user's other sessions.
The pauses inside a session are minutes, those between sessions hours:

    logit = bias + strength * share of the current session's behaviours in the candidate's topic

Where sessions begin is not in the items. It is in the times.

Chapter 04, "Sessions".
"""

import numpy as np

from recsys_lib.data.sessions import NUM_AGE_BUCKETS, age_buckets, divide
from recsys_lib.data.simulator.lenses import check_knobs
from recsys_lib.data.simulator.requests import pick, simulate
from recsys_lib.data.simulator.world import SimulatedDataset
from recsys_lib.features.columns import SequenceColumn

LENS = "sessions"
PAUSE_SECONDS = (30, 900)
"""Pauses inside a session, and between the last behaviour and the request."""
BREAK_SECONDS = (7_200, 259_200)
"""Pauses between sessions."""
SHARES = (0.40, 0.45, 0.15)
"""Candidates in the current session's topic, in that of any of the sessions, in any topic."""


def sessions(
    num_rows: int = 100_000,
    num_sessions: int = 4,
    session_length: int = 6,
    noise: float = 0.2,
    num_topics: int = 40,
    items_per_topic: int = 10,
    strength: float = 4.0,
    bias: float = -2.0,
    candidates: int = 4,
    num_valid_rows: int = 10_000,
    num_test_rows: int = 40_000,
    seed: int = 0,
) -> SimulatedDataset:
    """Simulate clicks that depend on what the current session is about.

    Args:
        num_rows: rows of the training split.
        num_sessions: sessions of a history, S.
        session_length: most behaviours of a session, L; each length from 1 on is equally likely.
        noise: share of behaviours that stray to the topic of another session; without effect
            where there is one session only.
        num_topics, items_per_topic: topics, at least as many as sessions, and items in each.
        strength: log-odds that a session wholly in the candidate's topic adds.
        bias: log-odds where no behaviour of the current session is in the candidate's topic.
        candidates: items shown beside one history; sizes of splits are multiples of it.
        num_valid_rows, num_test_rows: rows of the other splits.
        seed: integer of 0 or more.

    Returns:
        A ``SimulatedDataset`` with the columns ``item_id`` (group ``item``); ``history`` (its
        table, oldest first, S * L steps); ``session_history``, the sessions side by side,
        ``history_session``, each behaviour's session counted back from 1, both from
        ``data.sessions.divide``; and ``history_age`` from ``age_buckets``. The task is ``click``;
        ``group`` is the request. ``truth`` holds ``topic`` ``(items + 1,)`` by item id, -1 at 0.

        Common random numbers: ``strength`` and ``bias`` change probabilities and the labels that
        depend on them, never a row; more ``noise`` lets behaviours stray wherever less does.

    Raises:
        ValueError: a knob outside its range, named with the value expected and given.
    """
    knobs = check_knobs(LENS, locals())
    num_sessions, most = knobs["num_sessions"], knobs["session_length"]
    num_topics, items_per_topic = knobs["num_topics"], knobs["items_per_topic"]
    num_items, length = num_topics * items_per_topic, num_sessions * most
    topic = np.concatenate([[-1], np.repeat(np.arange(num_topics), items_per_topic)])

    def draw(requests, candidates, uniform):
        own = np.argsort(uniform("topics", requests, num_topics), axis=1)[:, :num_sessions]
        size = 1 + pick(uniform("size", requests, num_sessions), most)
        step_topic = np.repeat(own[:, :, None], most, axis=2)  # (requests, S, L)
        if num_sessions > 1:
            away = 1 + pick(uniform("away", *step_topic.shape), num_sessions - 1)
            other = (np.arange(num_sessions)[:, None] + away) % num_sessions
            other = np.take_along_axis(own, other.reshape(requests, -1), axis=1)
            strays = uniform("strays", *step_topic.shape) < knobs["noise"]
            step_topic = np.where(strays, other.reshape(step_topic.shape), step_topic)
        real = np.arange(most) < size[:, :, None]
        items = step_topic * items_per_topic + pick(
            uniform("items", *step_topic.shape), items_per_topic
        )
        time = _times(uniform, requests, num_sessions, most)
        history, when = _left_aligned(real, items + 1, time)
        last = np.max(when, axis=1)
        now = last + _between(uniform("now", requests), PAUSE_SECONDS)
        side_by_side, number = divide(history, when, num_sessions, most)

        shape = (requests, candidates)
        origin = uniform("origin", *shape)
        which = pick(uniform("candidate_session", *shape), num_sessions)
        which = np.where(origin < SHARES[0], num_sessions - 1, which)
        wanted = np.take_along_axis(own, which, axis=1)
        anything = pick(uniform("candidate_topic", *shape), num_topics)
        wanted = np.where(origin >= SHARES[0] + SHARES[1], anything, wanted)
        item = wanted * items_per_topic + pick(uniform("candidate", *shape), items_per_topic) + 1
        current = step_topic[:, None, -1] == wanted[:, :, None]  # (requests, candidates, L)
        share = (current * real[:, None, -1]).sum(axis=2) / size[:, None, -1]
        return {
            "history": history,
            "session_history": side_by_side,
            "history_session": number,
            "history_age": age_buckets(when, now),
            "item": item,
            "logit": knobs["bias"] + knobs["strength"] * share,
        }

    columns = (
        SequenceColumn(
            "session_history",
            num_items + 1,
            length,
            table="item_id",
            num_sessions=num_sessions,
        ),
        SequenceColumn("history_session", num_sessions + 1, length),
        SequenceColumn("history_age", NUM_AGE_BUCKETS, length),
    )
    return simulate(LENS, draw, knobs, num_items, length, columns, {"topic": topic})


def _between(uniform, bounds):
    """Whole seconds between two bounds, spread evenly over their logarithm."""
    low, high = np.log(bounds)
    return np.rint(np.exp(low + uniform * (high - low)))


def _times(uniform, requests, num_sessions, most):
    """Seconds of every slot ``(requests, S, L)``: breaks before sessions, pauses inside them."""
    pauses = _between(uniform("pauses", requests, num_sessions, most), PAUSE_SECONDS)
    pauses[:, :, 0] = _between(uniform("breaks", requests, num_sessions), BREAK_SECONDS)
    return np.cumsum(pauses.reshape(requests, -1), axis=1).reshape(pauses.shape)


def _left_aligned(real, items, time):
    """Real slots first, in order; 0 and minus infinity behind them."""
    requests = len(real)
    flat = real.reshape(requests, -1)
    order = np.argsort(~flat, axis=1, kind="stable")
    items = np.where(flat, items.reshape(requests, -1), 0)
    time = np.where(flat, time.reshape(requests, -1), -np.inf)
    return np.take_along_axis(items, order, axis=1), np.take_along_axis(time, order, axis=1)
