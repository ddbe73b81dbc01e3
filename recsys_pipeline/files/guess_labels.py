"""Labels of two values, whatever these are: which of them counts as 1."""

import numpy as np

from recsys_pipeline.files.column_profiles import Profile

_YES = frozenset(
    "1 yes y true t positive pos click clicked like liked buy bought ja si oui sim".split()
)


def is_binary(column: Profile) -> bool:
    """Whether the column has two values: 0 and 1, -1 and 1, or two texts."""
    if column.few is None or len(column.few) != 2:
        return False
    return not column.is_number or {float(one) for one in column.few} in ({0, 1}, {-1, 1})


def positive_of(column: Profile) -> tuple[str, str]:
    """The value of a label of two texts that counts as 1, and the reason."""
    first, second = sorted(column.few or ())
    for one in (first, second):
        if one.lower() in _YES or one.startswith(">"):
            return one, "by its name"
    rows = {one: int((column.codes.codes == _code(column, one)).sum()) for one in (first, second)}
    return min(rows, key=lambda one: rows[one]), "the rarer of the two"


def label_on_sample(column: Profile) -> np.ndarray:
    """A label's values on the sample's rows, those of a binary one as 0 and 1; NaN: there is none.

    Args:
        column: numbers, or two texts.
    """
    if not is_binary(column):
        return column.numbers
    if column.is_number:
        return np.where(np.isnan(column.numbers), np.nan, column.numbers == 1)
    is_one = column.codes.codes == _code(column, positive_of(column)[0])
    return np.where(column.codes.codes < 0, np.nan, is_one)


def _code(column: Profile, value: str) -> int:
    return int(column.codes.values.index(value).as_py())
