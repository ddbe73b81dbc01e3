"""Lists that are made from the log itself: the items of a user's earlier positive rows."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from recsys_lib.data.history import Events, gather
from recsys_lib.features.columns import CategoricalColumn, SequenceColumn
from recsys_pipeline.files.description import (
    ColumnDescription,
    HistoryDescription,
    LabelDescription,
)
from recsys_pipeline.files.label_values import labels_of
from recsys_pipeline.files.rows import Rows
from recsys_pipeline.files.sequence_encoder import Block, SequenceEncoder
from recsys_pipeline.files.tables import FileDataset
from recsys_pipeline.files.warnings import MAX_ROWS, MIN_ROWS, MOSTLY

ROWS_PER_BLOCK = 1 << 16
"""Rows whose lists are made together, and are in memory together."""

NEARLY_ALL = 0.9
"""A list that holds the row's own item on more of the positive rows than this is suspected; a list
that ends with it already on more than ``MOSTLY`` of them, since few users repeat themselves."""

TIMES = 3
"""And on this many times as many of them as of the other rows."""


@dataclasses.dataclass(frozen=True)
class Happened:
    """What the lists of a log are made from.

    Args:
        seconds: ``(N,)``, the rows' moments.
        positive: dict of ``HistoryDescription.source`` to ``(N,)`` bool.
    """

    seconds: np.ndarray
    positive: Mapping[str, np.ndarray]


def happened(
    columns: Iterable[ColumnDescription],
    rows: Rows,
    seconds: np.ndarray | None,
    labels: Mapping[str, np.ndarray],
    masks: Mapping[str, np.ndarray],
) -> Happened | None:
    """What the lists of a data set are made from; None without moments.

    Args:
        columns: of the data set.
        rows: all rows.
        seconds: their moments.
        labels, masks: what ``labels_of`` returned.

    Raises:
        ValueError: a column that is named and holds other values than 0 and 1.
    """
    positive = {}
    for name in {column.history.source for column in columns if column.history is not None}:
        of, exist = labels, masks
        if name not in labels:
            of, exist = labels_of(rows, {name: LabelDescription(name, optional=True)})
        positive[name] = (of[name] == 1) & exist.get(name, True)
    return None if seconds is None else Happened(seconds, positive)


class MadeLists:
    """The lists of all rows, made in blocks, so that only some of them are in memory.

    What stays in memory is two numbers for each row and four for each positive row, however
    long the lists are. Events whose item is unknown are left out before a list is cut to its
    length, as they are where a list comes from a file or with a request.

    Args:
        encoder: of the list.
        said: its description.
        rows: all rows of the log.
        ids: ``(N,)`` their items' ids, 0: unknown.
        when: what happened.
    """

    def __init__(
        self,
        encoder: SequenceEncoder,
        said: HistoryDescription,
        rows: Rows,
        ids: np.ndarray,
        when: Happened,
    ) -> None:
        self.encoder, self.seconds, self.ids = encoder, when.seconds, ids
        self.users = rows.categories(str(said.user)).codes
        has_item = rows.categories(str(said.item)).codes >= 0
        # A row without a user has no history, and is in none.
        events = when.positive[said.source] & has_item & (self.users >= 0)
        self._all = Events(self.users, self.seconds, events)
        self._known = Events(self.users, self.seconds, events & (ids > 0))

    def blocks(self, positions: np.ndarray) -> Iterator[Block]:
        """The lists of some rows, in their order.

        Args:
            positions: of the rows.

        Yields:
            ``Block`` of at most ``ROWS_PER_BLOCK`` rows.
        """
        for start in range(0, len(positions), ROWS_PER_BLOCK):
            yield self._block(positions[start : start + ROWS_PER_BLOCK])

    def _block(self, positions: np.ndarray) -> Block:
        users, seconds = self.users[positions], self.seconds[positions]
        where = self._known.before(users, seconds, self.encoder.column.max_length)
        ids = gather(self.ids, where, 0)
        block = self.encoder.with_sessions(ids, gather(self.seconds, where, -np.inf), seconds)
        spans = (events.span(users, seconds) for events in (self._all, self._known))
        lengths, known = (last - first for first, last in spans)
        block = dataclasses.replace(block, counts=np.column_stack([lengths - known, lengths]))
        if self.encoder.sessions is not None:
            return block
        newest = {name: moments.max(axis=1) for name, moments in block.as_of.items()}
        return dataclasses.replace(block, as_of=newest)


def warnings_on_lists(dataset: FileDataset) -> Iterator[str]:
    """Warnings about lists of the files that hold what the row's own label added to them.

    Args:
        dataset: the data.

    Yields:
        Sentences.
    """
    made = {one["name"] for one in dataset.description.get("histories", ())}
    items = [one for one in dataset.feature_columns if isinstance(one, CategoricalColumn)]
    for column in dataset.feature_columns:
        if not isinstance(column, SequenceColumn) or column.num_sessions > 1:
            continue
        for item in items if column.name not in made else ():
            if item.table_name == column.table_name:
                yield from _own_items(dataset, column, item)


def _own_items(
    dataset: FileDataset, column: SequenceColumn, item: CategoricalColumn
) -> Iterator[str]:
    train = dataset.train
    for task, kind in (dataset.tasks or {}).items():
        rows = np.arange(len(train))[train.rows_of(task)]
        rows = rows[:: len(rows) // MAX_ROWS + 1]
        rows = rows[train.features[item.name][rows] > 0]
        lists, own = train.features[column.name][rows], train.features[item.name][rows, None]
        positive = train.labels[task][rows] == 1
        if kind != "binary" or min(positive.sum(), (~positive).sum()) < MIN_ROWS:
            continue
        last = np.maximum(np.count_nonzero(lists, axis=1) - 1, 0)[:, None]
        for does, held, border in (
            ("ends with", np.take_along_axis(lists, last, axis=1) == own, MOSTLY),
            ("holds", lists == own, NEARLY_ALL),
        ):
            of = held.any(axis=1)
            with_label, without = of[positive].mean(), of[~positive].mean()
            if with_label > border and with_label > TIMES * without:
                yield (
                    f"{column.name}: it {does} the row's own {item.name} on {with_label:.0%} of "
                    f"the rows with {task}, on {without:.0%} of the others; was it written after "
                    f"the {task}? [history] makes a list of earlier rows only"
                )
                break
