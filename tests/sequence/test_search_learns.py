"""What a search can learn on the lens: relevant behaviours in a category that is not the item's."""

import keras
import numpy as np
import pytest

from recsys_lib.data import simulator
from recsys_lib.sequence import build_eta, build_sim, build_twin, search_recall
from recsys_lib.training import Adam, fit

DATA = simulator.long_history(
    history_length=300,
    relevant=25,
    candidates=4,
    num_rows=6000,
    num_valid_rows=4,
    num_test_rows=800,
)
RELEVANT = simulator.relevant_steps(DATA, DATA.test)
SAME = DATA.test.features["history_category"] == DATA.test.features["category"][:, None]
OTHER_CATEGORY = (RELEVANT & ~SAME).any(axis=1)
OPTIONS = {
    "histories": ("history_category",),
    "embedding_dim": 16,
    "found_steps": 50,
    "recency": False,
    "product": True,
}


def recalls(build, stddev, epochs=3, **options):
    """Mean recall where the category tells, and where it does not; of 50 among 300 steps."""
    keras.utils.set_random_seed(0)
    initializer = keras.initializers.RandomNormal(stddev=stddev, seed=1)
    model = build(DATA.feature_columns, **OPTIONS, embeddings_initializer=initializer, **options)
    if epochs:
        fit(model, DATA, Adam(1e-2), epochs=epochs, batch_size=64, patience=None, progress=False)
    recall = search_recall(model, DATA.test, RELEVANT)
    return np.nanmean(recall[~OTHER_CATEGORY]), recall[OTHER_CATEGORY].mean()


def test_the_hard_search_finds_all_or_nothing():
    assert recalls(build_sim, 0.3, epochs=0, search="hard") == (1.0, 0.0)


@pytest.mark.parametrize(
    ("build", "stddev", "options"),
    [(build_sim, 0.3, {}), (build_eta, 0.3, {"num_bits": 64}), (build_twin, 0.5, {"num_heads": 1})],
    ids=["sim", "eta", "twin"],
)
def test_a_learned_search_finds_both(build, stddev, options):
    """By chance it would find a sixth. It begins with the candidate's category and learns more."""
    own, other = recalls(build, stddev, **options)
    before, other_before = recalls(build, stddev, epochs=0, **options)
    assert before > 0.9
    assert own > 0.6
    assert other > 0.25
    assert other > other_before + 0.1
