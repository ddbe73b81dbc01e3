"""Training's features against the service's, column by column."""

import numpy as np
import pytest

from recsys_pipeline.export import feature_skew


def test_equal_features_have_no_skew():
    features = {"id": np.array([1, 2]), "x": np.array([0.5, -1.5]), "list": np.ones((2, 3), int)}
    found = feature_skew(features, features)
    assert list(found.index) == ["id", "x", "list"]
    assert (found["rows"] == 0).all() and (found["first"] == -1).all()


def test_the_worst_column_comes_first_with_its_first_row():
    training = {"a": [1, 2, 3, 4], "b": [[1, 0], [2, 3], [0, 0], [4, 4]]}
    serving = {"a": [1, 2, 9, 4], "b": [[1, 0], [3, 2], [0, 0], [4, 0]]}
    found = feature_skew(training, serving)
    assert list(found.index) == ["b", "a"]
    assert found.loc["b"].tolist() == [2, 0.5, 1, [2, 3], [3, 2]]
    assert found.loc["a"].tolist() == [1, 0.25, 2, 3, 9]


def test_numbers_may_differ_in_the_last_digit_and_ids_may_not():
    numbers = {"x": np.array([1.0, 1000.0])}
    assert feature_skew(numbers, {"x": numbers["x"] * (1 + 1e-7)}).loc["x", "rows"] == 0
    assert feature_skew(numbers, {"x": numbers["x"] * (1 + 1e-4)}).loc["x", "rows"] == 2
    assert feature_skew(numbers, {"x": numbers["x"] * 1.1}, tolerance=0.2).loc["x", "rows"] == 0
    ids = {"id": np.array([5_000_000, 7])}
    assert feature_skew(ids, {"id": ids["id"] + [1, 0]}).loc["id", "rows"] == 1


def test_two_tables_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match=r"expected the columns \['a'\], got \['b'\]"):
        feature_skew({"a": [1]}, {"b": [1]})
    with pytest.raises(ValueError, match=r"column 'a': expected the shape \(1,\), got \(2,\)"):
        feature_skew({"a": [1]}, {"a": [1, 2]})
