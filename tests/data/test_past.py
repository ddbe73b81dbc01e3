"""Past-only counts and histories against loops."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lib.data import history

EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.booleans()), max_size=40)


@settings(max_examples=200, deadline=None)
@given(EVENTS, st.integers(1, 4))
def test_counts_and_histories_equal_loops(events, max_length):
    keys, time, flags = np.array(events, int).reshape(-1, 3).T
    count, total, newest = history.earlier(keys, time, flags)
    rows = history.last_events(keys, time, flags.astype(bool), max_length)
    assert rows.shape == (len(events), max_length)
    for row, (key, now, _) in enumerate(events):
        before = [i for i in range(len(events)) if keys[i] == key and time[i] < now]
        assert count[row] == len(before)
        assert total[row] == sum(flags[i] for i in before)
        assert newest[row] == max((time[i] for i in before), default=-np.inf)
        last = sorted((i for i in before if flags[i]), key=lambda i: (time[i], i))[-max_length:]
        assert rows[row].tolist() == last + [-1] * (max_length - len(last))


def test_gather_pads():
    rows = np.array([[2, 0, -1]])
    assert history.gather(np.array([5, 6, 7]), rows, 0).tolist() == [[7, 5, 0]]
    assert history.gather(np.array([5.0, 6, 7]), rows, -np.inf).tolist() == [[7, 5, -np.inf]]
