"""``Guesses``: what the columns of files seem to be, from the profiles of all rows."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from recsys_pipeline.files import outcomes
from recsys_pipeline.files.batches import Batches
from recsys_pipeline.files.column_profiles import (
    MIN_ROWS,
    UNIQUE_SHARE,
    Owner,
    Profile,
    is_readable,
    profile,
)
from recsys_pipeline.files.description import task_name
from recsys_pipeline.files.guess_labels import is_binary, label_on_sample
from recsys_pipeline.files.guess_lists import (
    LOOKS,
    Lists,
    are_decimals,
    has_brackets,
    is_readable_text,
    read_lists,
    separator_like,
    separator_of,
    table_of,
)
from recsys_pipeline.files.moments import seconds_on_sample, settings_of
from recsys_pipeline.files.parquet import is_list

LARGEST_MEASURE = 2.0**53
"""Whole numbers above are not exact as numbers: they are ids."""

MOST_SHOWN = 40
"""Characters of a value that a reason shows."""

_MEASURES = frozenset(["time", "seconds", "sec", "ms", "duration", "rating", "stars", "score"])


class Guesses:
    """What the columns of files seem to be.

    Args:
        batches: the files.
        label, time, group: names of columns, if they are known.

    Attributes:
        columns: name to ``Profile``.
        labels: name of each label to the reason.
        time: name of the column with the row's moment, or None.
        user, item: names of the columns with their ids, or None.
        owners: name of user and item to what depends on them alone.
        lists: name of each column of lists to ``Lists``.
        times: name of a list to the list of its moments.
        ignored: name of a column to the reason why it is no feature.
        remarks: sentences about what is doubtful.

    Raises:
        ValueError: as ``suggest``.
    """

    def __init__(
        self, batches: Batches, label: Sequence[str], time: str | None, group: str | None
    ) -> None:
        self.batches, self.group = batches, group
        self.remarks: list[str] = []
        names = [name for name, kind in batches.types.items() if not is_list(kind)]
        names = [name for name in names if name not in (*label, time)]
        self.user = outcomes.name_of_ids(names, "user") or group
        self.item = outcomes.name_of_ids([name for name in names if name != self.user], "thing")
        self.item_reason = ""
        if not batches.header and group is not None:
            self.item = self._unnamed_item((*label, time, group))
        keys = [name for name in (self.item, self.user) if name is not None]
        self.columns, self.owners = profile(batches.read(), keys)
        self.labels = self._labels(label)
        self.time, self.time_settings = self._time(time)
        self.group = group or self.user
        self.ignored: dict[str, str] = {}
        self.times: dict[str, str] = {}
        self.lists: dict[str, Lists] = {}
        self._find_lists()
        self._ignore()
        if self.user is not None and self.item is None:
            self.remarks.append(
                "the item: no column is named for it; give group = 'item' to it and to what is "
                "known of it, since a service gets these once for each candidate"
            )

    @property
    def features(self) -> list[str]:
        """Names of the columns that are neither label nor time nor the moments of a list."""
        taken = {*self.labels, self.time, *self.times.values()}
        return [name for name in self.columns if name not in taken]

    def ids(self) -> list[Profile]:
        """The columns of ids that others may share: the item's, the user's, then the rest."""
        names = [name for name in self.features if name not in (*self.lists, *self.ignored)]
        names.sort(key=lambda name: (name != self.item, name != self.user))
        return [self.columns[name] for name in names if self._has_ids(self.columns[name])]

    def keys(self) -> list[Profile]:
        """The columns of the item's and the user's ids."""
        return [one for one in self.ids() if self.is_key(one.name)]

    def owner_of(self, column: Profile) -> Owner | None:
        """The item or the user that a column depends on alone, or None."""
        for owner in self.owners.values():
            if owner.name != column.name and owner.owns(column):
                return owner
        return None

    def names_rows(self, column: Profile) -> bool:
        """Whether nearly each row has a value of its own."""
        return column.rows >= MIN_ROWS and column.distinct >= UNIQUE_SHARE * column.rows

    def is_key(self, name: str) -> bool:
        """Whether a column names the user or the item."""
        return name in (self.user, self.item)

    def _has_ids(self, column: Profile) -> bool:
        if is_list(column.kind) or pa.types.is_temporal(column.kind):
            return False
        is_code = not self._is_measured(column)
        return column.distinct >= 2 and is_code and not self.names_rows(column)

    def _unnamed_item(self, taken: Sequence[str | None]) -> str | None:
        """The column with most ids in the first rows of a file whose columns have no names."""
        first = next(iter(self.batches.read()), None)
        columns = profile([] if first is None else [first], [])[0]
        ids = {
            name: column.distinct
            for name, column in columns.items()
            if name not in taken
            and (column.is_whole or not column.is_number)
            and not self.names_rows(column)
            and settings_of(column) is None
        }
        found = max(ids, key=lambda name: ids[name], default=None)
        if found is None or ids[found] < MIN_ROWS:
            return None
        self.item_reason = "of the columns without names the one with most ids"
        return found

    def _labels(self, given: Sequence[str]) -> dict[str, str]:
        """Names of the labels, each with the reason."""
        place = self.batches.paths[0]
        for name in given:
            column = self.columns[name]
            if not (column.is_number or column.distinct == 2):
                raise ValueError(
                    f"{place}: expected a label of numbers or of two values, got column {name!r} "
                    f"with {column.distinct:,} values"
                    + f" such as {column.no_number!r}"
                    * bool(column.no_number)
                )
        if given:
            return dict.fromkeys(given, "as it was asked for")
        found = self._likely_labels()
        if not found:
            raise ValueError(
                f"{place}: expected a column that looks like a label, got {self.batches.names}; "
                "name it with --label"
            )
        tasks = [task_name(name) for name in found]
        if len(set(tasks)) < len(tasks):
            raise ValueError(
                f"{place}: expected labels whose names differ in lower case, got {list(found)}; "
                "name those that you mean"
            )
        return found

    def _likely_labels(self) -> dict[str, str]:
        first = self.batches.names[0]
        if not self.batches.header and self.columns[first].distinct == 2:
            return {first: "the first of columns without names, and it has two values"}
        found = {}
        for name, column in self.columns.items():
            if self.owner_of(column) is not None:
                continue
            if is_binary(column) and outcomes.says(name, "binary"):
                found[name] = "two values, and a name like that of a label"
            elif outcomes.says(name, "regression") and column.is_number and _is_measure(name):
                found[name] = "a number, and a name like that of something measured afterwards"
        return found

    def _time(self, given: str | None) -> tuple[str | None, dict[str, str]]:
        """The column of the row's moment, and how it is read: the finest one of several."""
        if given is not None:
            settings = settings_of(self.columns[given])
            if settings is None and not self.columns[given].is_number:
                raise ValueError(
                    f"{self.batches.paths[0]}, column {given!r}: expected moments, as numbers or "
                    f"dates, got {self._range(given)}"
                )
            if settings is None:
                settings = {"unit": "any"}
                self.remarks.append(
                    f"{given}: {self._range(given)}: no unit makes moments from 1990 to 2100 of "
                    "it, so that it can only be compared"
                )
            return given, settings
        found: dict[str, dict[str, str]] = {}
        for name, column in self.columns.items():
            is_named = self._may_be_time(column) or not self.batches.header
            if name in self.labels or self.is_key(name) or not is_named or column.missing:
                continue
            settings = settings_of(column)
            if settings is not None and self.owner_of(column) is None:
                found[name] = settings
            elif settings is None and column.is_number and column.high > 1e7:
                self.remarks.append(
                    f"{name}: {self._range(name)}: its name is that of a time, and no unit makes "
                    "moments from 1990 to 2100 of it; if it is one, describe with --time"
                )
        best = max(found, key=lambda name: self.columns[name].distinct, default=None)
        return best, {} if best is None else found[best]

    def _range(self, name: str) -> str:
        column = self.columns[name]
        if not column.is_number:
            return f"values such as {column.no_number!r}"
        return f"numbers from {column.low:.15g} to {column.high:.15g}"

    def _find_lists(self) -> None:
        found: dict[str, tuple[Profile, str | None, str]] = {}
        ids, texts = self.ids(), []
        for name in self.features:
            column = self.columns[name]
            if is_list(column.kind) and is_readable(column.kind):
                found[name] = (column, None, "")
            elif is_readable_text(column) and not self.is_key(name) and settings_of(column) is None:
                texts.append(column)
        for column in texts:
            separator = separator_of(column, ids)
            if has_brackets(column):
                self.ignored[column.name] = "lists in brackets are not read: write them as 1|2|3"
            elif separator == (",", LOOKS) and are_decimals(column):
                self.ignored[column.name] = "numbers with a decimal comma: write them as 4.52"
            elif separator is not None:
                found[column.name] = (column, *separator)
        for column in texts:
            is_open = column.name not in found and column.name not in self.ignored
            separator = separator_like(column, found) if is_open else None
            if separator is not None:
                found[column.name] = (column, *separator)
        if not found:
            return
        lists = read_lists(self.batches.read(found), found)
        moments = {name: one for name, one in lists.items() if self._holds_moments(one)}
        for name, one in moments.items():
            of = [other for other in lists if other in one.alike and other not in moments]
            of = [other for other in of if other not in self.times]
            reason = self._unfit(one) if of else "moments, and of no list: none is always as long"
            if reason:
                self.ignored[name] = reason
            else:
                self.times[of[0]] = name
        self.lists = {name: one for name, one in lists.items() if name not in moments}

    def _holds_moments(self, lists: Lists) -> bool:
        settings = settings_of(lists.ids)
        if settings is None:
            return False
        if outcomes.says(lists.column.name, "time"):
            return True
        is_of_row = self.time is not None and settings.get("unit") == self._unit()
        return is_of_row and bool(lists.alike) and not self._late(lists)

    def _unit(self) -> str:
        """The unit of the moments in lists: that of ``[time]``, whose default is the second."""
        return self.time_settings.get("unit", "s")

    def _late(self, lists: Lists) -> int:
        """Lists of the sample with a moment that is not earlier than the row's."""
        assert self.time is not None
        seconds = seconds_on_sample(self.columns[self.time], self.time_settings)
        newest = lists.newest_on_sample({"unit": self._unit()})
        return int((newest >= seconds).sum())

    def _unfit(self, lists: Lists) -> str:
        """Why moments cannot be the ``times`` of another list; empty if they can."""
        settings = settings_of(lists.ids)
        if self.time is None:
            return "moments, which need the moment of the row beside them"
        if settings is None or "unit" not in settings:
            return "moments as dates, which are not read in lists: write seconds"
        if settings["unit"] != self._unit():
            return f"moments in {settings['unit']}, where [time] says {self._unit()}: write one"
        late = self._late(lists)
        return f"moments, and in {late:,} lists one is not before the row's" if late else ""

    def _ignore(self) -> None:
        for name in self.features:
            reason = self.ignored.get(name) or self._useless(self.columns[name])
            if reason is None and name != self.group:
                reason = self._outcome(self.columns[name])
                reason = None if reason is None else f"{reason}; is it known before?"
            if reason is not None:
                self.ignored[name] = reason

    def _useless(self, column: Profile) -> str | None:
        """The reason why a column can be no feature, whatever it means."""
        if column.missing == column.rows:
            return "it has no values"
        if not is_readable(column.kind):
            return f"of type {column.kind}: training reads one value, or a list of ids"
        if column.distinct == 1 and not column.missing:
            return "it has one value, which tells no rows apart"
        if column.name in self.lists:
            ids = self.lists[column.name].ids
            is_vector = ids.is_number and not ids.is_whole
            return "lists of numbers with fractions, which are no ids" if is_vector else None
        is_owned = self.owner_of(column) is not None
        if not is_owned and self._may_be_time(column) and settings_of(column) is not None:
            return "a second time, which later rows have and training rows do not"
        if self.is_numeric(column) or not self.names_rows(column):
            return None
        return f"{column.distinct:,} values on {column.rows:,} rows: it names the row"

    def _may_be_time(self, column: Profile) -> bool:
        is_text = not (is_list(column.kind) or column.low < np.inf)
        is_date = pa.types.is_temporal(column.kind) or (is_text and settings_of(column) is not None)
        return is_date or outcomes.says(column.name, "time")

    def is_numeric(self, column: Profile) -> bool:
        """Whether a column is a number, and not ids that are written as numbers."""
        if not self._is_measured(column):
            return False
        return not column.is_whole or table_of(column, self.keys())[0] is None

    def _is_measured(self, column: Profile) -> bool:
        is_code = outcomes.says(column.name, "code") or column.high > LARGEST_MEASURE
        if not column.is_number or is_code or self.is_key(column.name):
            return False
        return not column.is_whole or column.distinct > MIN_ROWS

    def _outcome(self, column: Profile) -> str | None:
        """The reasons why a column may hold a label, or None."""
        if self.owner_of(column) is not None:  # it was known before the row
            return None
        named = outcomes.named_like(column.name, self.labels, self.columns, is_binary(column))
        is_context = self.is_key(column.name) or outcomes.is_context(column.name, column.distinct)
        if column.name in self.lists or is_context:
            return named
        if column.is_number and column.distinct > outcomes.NUM_RANGES:
            values = outcomes.ranges_of(column.numbers)
        else:
            values = column.codes.codes + 1

        def shown(value: int) -> str:
            found = str(column.sample[int(np.argmax(values == value))].as_py())
            return f"a value like {found[:MOST_SHOWN]}"

        known = {name: label_on_sample(self.columns[name]) for name in self.labels}
        told = outcomes.gives_away(values, known, shown)
        return "; ".join(reason for reason in (named, told) if reason is not None) or None


def _is_measure(name: str) -> bool:
    return not _MEASURES.isdisjoint(outcomes.words_of(name))
