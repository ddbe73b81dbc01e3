"""Your test: it fails on this copy of the library, and passes on the right one.

Run it with `PYTHONPATH=. python -m pytest test_answer.py`. It tests what the code does: it reads no
source and holds no number that a right library does not give.
"""

import numpy as np

from recsys_lib.features import CategoricalColumn
from recsys_lib.second_order import build_fm


def test_a_property_that_the_right_library_has():
    columns = (CategoricalColumn("user_id", 5), CategoricalColumn("item_id", 7))
    model = build_fm(columns, embedding_dim=4)
    rows = {"user_id": np.array([1, 2]), "item_id": np.array([3, 4])}
    assert np.isfinite(model.predict(rows, verbose=0)).all()
