"""Feature columns: what a model needs to know about each input before it sees a row.

A column states a name, a kind, the group it belongs to and, for ids, the vocabulary and the
embedding table that it reads. Id 0 is padding and "unknown" in every column, so a vocabulary of
``n`` known values has ``vocabulary_size = n + 1`` and known ids run from 1 to n.
An ``EmbeddingL2`` is a penalty of such tables.
"""

import dataclasses
import math
import re
from collections.abc import Mapping
from numbers import Real

import numpy as np

from recsys_lib.checks import check_choice, check_integer, check_number

GROUPS = ("user", "item", "context", "history", "scenario")
"""Groups with a meaning to the library: ``item`` is the candidate's side of a request; everything
else is known before the first candidate is scored. Any other lower-case name is allowed."""

CANDIDATE_GROUP = "item"

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def _require_name(what, value):
    if not isinstance(value, str) or not _NAME.match(value):
        raise ValueError(
            f"{what} must be a lower-case name such as 'user_id' (letters, digits, '_'), "
            f"got {value!r}"
        )


def _require_positive(column, what, minimum):
    """Check a size of a column, and keep it as an ``int``: NumPy's are no JSON."""
    value = check_integer(f"column {column.name!r}: {what}", getattr(column, what), minimum)
    object.__setattr__(column, what, value)


class _Column:
    """The base of all columns."""

    @property
    def num_slots(self):
        """Ids or numbers per row."""
        return math.prod(self.input_shape)


class _IdColumn(_Column):
    @property
    def table_name(self):
        return self.table or self.name


@dataclasses.dataclass(frozen=True)
class CategoricalColumn(_IdColumn):
    """One id per row.

    Args:
        name: name of the column and of the model's input.
        vocabulary_size: number of ids, the reserved id 0 included; ids lie in
            ``[0, vocabulary_size)``.
        group: the part of the request that the column describes, see ``GROUPS``.
        table: name of the embedding table; columns that name the same table share its rows.
            Default: the column's own name.
        embedding_dim: width of the embedding; default: whatever the model's builder is given.
    """

    name: str
    vocabulary_size: int
    group: str = "context"
    table: str | None = None
    embedding_dim: int | None = None

    def __post_init__(self):
        _check_id_column(self)

    @property
    def input_shape(self):
        return ()


@dataclasses.dataclass(frozen=True)
class SequenceColumn(_IdColumn):
    """A list of ids per row, padded with 0 to ``max_length``.

    Args:
        name, vocabulary_size, group, table, embedding_dim: as in ``CategoricalColumn``.
        max_length: number of steps in a row.
        combiner: how models without a sequence layer pool the steps, ``"mean"`` over the real
            steps or ``"sum"``; an empty list pools to zero either way.
        ordered: whether position carries meaning (a behaviour history) or not (a film's genres).
            An ordered list is padded behind its last id: a 0 in front of an id or between two ids
            would move the others to later positions.
        num_sessions: sessions that lie side by side in a row, oldest first, each of
            ``max_length / num_sessions`` steps and padded behind its own last id; sessions without
            an id behind the real ones (see ``recsys_lib.data.sessions``). 1: an ordinary list.

    Raises:
        ValueError: a name, size or combiner that a column cannot have.
    """

    name: str
    vocabulary_size: int
    max_length: int
    group: str = "history"
    table: str | None = None
    embedding_dim: int | None = None
    combiner: str = "mean"
    ordered: bool = True
    num_sessions: int = 1

    def __post_init__(self):
        _check_id_column(self)
        _require_positive(self, "max_length", 1)
        _require_positive(self, "num_sessions", 1)
        if self.max_length % self.num_sessions:
            raise ValueError(
                f"column {self.name!r}: num_sessions must divide max_length {self.max_length}, "
                f"got {self.num_sessions}"
            )
        if self.combiner not in ("mean", "sum"):
            raise ValueError(
                f"column {self.name!r}: combiner must be 'mean' or 'sum', got {self.combiner!r}"
            )

    @property
    def input_shape(self):
        return (self.max_length,)


@dataclasses.dataclass(frozen=True)
class NumericColumn(_Column):
    """``dimension`` real numbers per row, fed to models as they are: scale them beforehand.

    Args:
        name, group: as in ``CategoricalColumn``.
        dimension: numbers in a row.
    """

    name: str
    dimension: int = 1
    group: str = "context"

    def __post_init__(self):
        _require_name("a column's name", self.name)
        _require_name(f"column {self.name!r}: group", self.group)
        _require_positive(self, "dimension", 1)

    @property
    def input_shape(self):
        return () if self.dimension == 1 else (self.dimension,)


Column = CategoricalColumn | SequenceColumn | NumericColumn
"""Any feature column; a builder takes a sequence of them."""

ID_COLUMNS = (CategoricalColumn, SequenceColumn)


def _check_id_column(column):
    _require_name("a column's name", column.name)
    _require_name(f"column {column.name!r}: group", column.group)
    _require_positive(column, "vocabulary_size", 2)
    if column.table is not None:
        _require_name(f"column {column.name!r}: table", column.table)
    if column.embedding_dim is not None:
        _require_positive(column, "embedding_dim", 1)


class Columns(tuple):
    """Columns of which ``check_columns`` has found that they fit together, or some of these."""


def check_columns(columns):
    """Check that columns fit together, unless that has been found before.

    Args:
        columns: feature columns.

    Returns:
        The same, as ``Columns``.

    Raises:
        ValueError: no column, a duplicate name, or columns that share a table but disagree on
            its vocabulary size or width.
    """
    if isinstance(columns, Columns) and columns:
        return columns
    columns = Columns(columns)
    if not columns:
        raise ValueError("feature columns: expected at least one column, got none")
    names, tables = set(), {}
    for column in columns:
        if not isinstance(column, Column):
            raise ValueError(
                "feature columns: expected CategoricalColumn, SequenceColumn or NumericColumn, "
                f"got {column!r}"
            )
        if column.name in names:
            raise ValueError(f"column {column.name!r}: the name is used twice")
        names.add(column.name)
        if isinstance(column, NumericColumn):
            continue
        first = tables.setdefault(column.table_name, column)
        for attribute in ("vocabulary_size", "embedding_dim"):
            if getattr(first, attribute) != getattr(column, attribute):
                raise ValueError(
                    f"columns {first.name!r} and {column.name!r} share the table "
                    f"{column.table_name!r} but state {attribute} "
                    f"{getattr(first, attribute)} and {getattr(column, attribute)}"
                )
    return columns


def select(columns, kind=None, group=None, names=None):
    """The columns of a kind (class or tuple of classes), of a group, or with given names.

    With ``names`` the result follows their order.

    Args:
        columns: feature columns.
        kind: class or tuple of classes.
        group: one of ``GROUPS``.
        names: names of columns.

    Returns:
        Tuple of those that fit all that is given; without ``names``, of ``Columns`` such again.

    Raises:
        ValueError: a name that no column has, or a text in the place of names.
    """
    columns = columns if isinstance(columns, tuple) else tuple(columns)
    if names is not None:
        if isinstance(names, str):
            raise ValueError(f"names of columns: expected a list, got the text {names!r}")
        by_name = {column.name: column for column in columns}
        missing = [name for name in names if name not in by_name]
        if missing:
            raise ValueError(f"no feature column is named {missing}; there are {sorted(by_name)}")
        columns = tuple(by_name[name] for name in names)
    if kind is not None:
        columns = type(columns)(column for column in columns if isinstance(column, kind))
    if group is not None:
        columns = type(columns)(column for column in columns if column.group == group)
    return columns


def column_to_config(column):
    """A JSON-ready description of a column; ``column_from_config`` reads it back."""
    return {"kind": type(column).__name__, **dataclasses.asdict(column)}


def column_from_config(config):
    """The column that ``column_to_config`` described."""
    kinds = {kind.__name__: kind for kind in (CategoricalColumn, SequenceColumn, NumericColumn)}
    config = dict(config)
    return kinds[config.pop("kind")](**config)


@dataclasses.dataclass(frozen=True)
class EmbeddingL2:
    """A penalty on embeddings for which one number is not enough.

    Args:
        strength: lambda, 0 or more; 0 is no penalty.
        rows: ``"batch"``: each id of the batch once; ``"table"``: all ids, see
            ``recsys_lib.features.penalties``.
        id_counts: dict of table name to ``(vocabulary_size,)``, in how many training rows each id
            occurs, as ``recsys_lib.sequence.count_ids`` returns it; with ``rows="batch"`` only.
            Tables that it leaves out are not penalised. Default: no counts, all tables.

    Raises:
        ValueError: a strength below 0, an unknown form, or counts of the form ``"table"``.
    """

    strength: float
    rows: str = "batch"
    id_counts: Mapping[str, np.ndarray] | None = None

    def __post_init__(self):
        check_number("embedding_l2", self.strength, 0)
        check_choice("embedding_l2, rows", self.rows, ("batch", "table"))
        if self.id_counts is not None and self.rows != "batch":
            raise ValueError(
                "embedding_l2, id_counts: expected rows='batch' beside counts, "
                f"got rows={self.rows!r}"
            )

    def get_config(self):
        """The penalty for a layer's configuration; the counts are weights of the layer."""
        return {"strength": self.strength, "rows": self.rows}


L2 = float | EmbeddingL2
"""The types of a builder's ``embedding_l2`` and ``linear_l2``."""


def read_l2(value: L2, name: str = "embedding_l2") -> EmbeddingL2:
    """A builder's ``embedding_l2`` or ``linear_l2`` as an ``EmbeddingL2``.

    A number is the strength of a penalty on the rows of the batch; anything else, or a number
    below 0, is a ``ValueError`` whose message begins with ``name``.
    """
    if isinstance(value, EmbeddingL2):
        return value
    if not isinstance(value, Real):
        raise ValueError(f"{name}: expected a number or an EmbeddingL2, got {value!r}")
    return EmbeddingL2(check_number(name, value, 0))


def check_l2(columns, l2, name="embedding_l2"):
    """As ``read_l2``, of a builder that knows its tables.

    Args:
        columns: all feature columns of the model.
        l2, name: the value, and what messages call it.

    Returns:
        An ``EmbeddingL2``.

    Raises:
        ValueError: as ``read_l2``; counts of a table that no column has.
    """
    l2 = read_l2(l2, name)
    tables = {column.table_name for column in select(columns, kind=ID_COLUMNS)}
    unknown = sorted(set(l2.id_counts or ()) - tables)
    if unknown:
        raise ValueError(f"id_counts: expected tables of {sorted(tables)}, got {unknown}")
    return l2
