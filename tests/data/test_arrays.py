"""The gate for numbers: what float32 cannot hold, what is masked, what lies outside an interval."""

import numpy as np
import pytest

from recsys_lib.data.arrays import LARGEST, check_numbers


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, np.nan], r"price: expected numbers finite in float32, got nan \(rows 1\)"),
        ([-np.inf, 0], r"price: expected numbers finite in float32, got -inf \(rows 0\)"),
        ([0, 0, 1e39], r"price: expected numbers finite in float32, got 1e\+39 \(rows 2\)"),
        ([[0], [-1e39]], r"finite in float32, got -1e\+39 \(rows 1\)"),
        (np.array([1, np.inf], np.float16), r"finite in float32, got inf \(rows 1\)"),
        (np.nan, r"price: expected numbers finite in float32, got nan"),
        (["a"], "price: expected numbers, got <U1"),
        ([[1], [1, 2]], "price: expected an array, got lists of different lengths"),
        (
            np.ma.array([1.0, 2.0], mask=[0, 1]),
            r"a value in each entry, got masked ones \(rows 1\)",
        ),
        ([np.ma.array([1, 2], mask=[0, 1])] * 2, r"got masked ones \(rows 0, 1\)"),
        (np.ma.masked, "got masked ones"),
    ],
)
def test_what_float32_cannot_hold_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        check_numbers("price", values)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"])
def test_numbers_pass_as_they_are(dtype):
    values = np.array([0, 1], dtype)
    assert check_numbers("price", values) is values
    largest = [float(LARGEST), -float(LARGEST)]
    assert check_numbers("price", largest).tolist() == largest
    unmasked = np.ma.array([1.0], mask=[False])
    assert check_numbers("price", unmasked).tolist() == [1.0]


@pytest.mark.parametrize("bad", [-0.1, 1.5, np.nan, np.inf])
def test_numbers_may_have_ends(bad):
    assert check_numbers("share", [0.0, 1.0], 0, 1).tolist() == [0.0, 1.0]
    message = rf"share: expected numbers from 0 to 1, got {bad} \(rows 1\)"
    with pytest.raises(ValueError, match=message):
        check_numbers("share", [0.5, bad], 0, 1)
