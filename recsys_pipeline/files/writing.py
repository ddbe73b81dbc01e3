"""Write guesses about columns as a description, ``data.toml``, with the reason beside each."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from recsys_pipeline.files import outcomes
from recsys_pipeline.files.column_profiles import Profile
from recsys_pipeline.files.description import task_name
from recsys_pipeline.files.guess_columns import Guesses
from recsys_pipeline.files.guess_labels import is_binary, positive_of
from recsys_pipeline.files.guess_lists import LONGEST, Lists, table_of

FEW_GRADES = 20
"""A label of so many numbers is a rating, which may be read as liked or not."""

MOST_SLICES = 50
"""A scenario has at most so many values."""


class Writer:
    """The text of a description.

    Args:
        guesses: about the columns.
        files: one, or train, valid and test.
        folder: of the description.
        has_format: whether the format has to be said.
    """

    def __init__(
        self, guesses: Guesses, files: Sequence[Path], folder: Path, has_format: bool
    ) -> None:
        self.guesses, self.files, self.folder = guesses, files, folder
        self.has_format = has_format

    def text(self) -> str:
        """The description."""
        guesses = self.guesses
        some = max(guesses.columns.values(), key=lambda column: len(column.sample))
        lines = ["# A first description, guessed from the data: read every line of it."]
        if len(some.sample) < some.rows:
            lines.append(
                f"# {some.rows:,} rows were read; what compares rows was computed on "
                f"{len(some.sample):,} of them, drawn at random."
            )
        columns: list[str] = []
        for name in guesses.features:
            columns += self._column(guesses.columns[name])
        lines += [f"# look at {_in_one_line(remark)}" for remark in guesses.remarks]
        lines += ["", *self._top()]
        if guesses.time is not None:
            lines += ["[time]", _line("column", guesses.time)]
            lines += [_line(key, value) for key, value in guesses.time_settings.items()] + [""]
            if len(self.files) == 1:
                lines += ["[split]", _line("by", "time", "the latest rows are the test"), ""]
        lines += self._pages()
        for name, reason in guesses.labels.items():
            lines += self._label(guesses.columns[name], reason)
        lines += self._history()
        return "\n".join(lines + columns).rstrip() + "\n"

    def _top(self) -> list[str]:
        guesses, batches = self.guesses, self.guesses.batches
        seen = [os.path.relpath(path, self.folder).replace(os.sep, "/") for path in self.files]
        lines = [_line("name", task_name(self.files[0].name.split(".")[0]))]
        lines += [_line("files", seen[0])] if len(seen) == 1 else []
        lines += [_line("format", batches.kind)] if self.has_format else []
        lines += [] if batches.header else ["header = false"]
        if batches.is_said:
            reason = "the first line has no comma" * batches.is_guessed
            lines.append(_line("separator", batches.separator, reason))
        if guesses.group is not None:
            lines.append(_line("group", guesses.group, "GAUC ranks within it"))
        if scenarios := self._scenarios():
            lines.append(_line("slices", scenarios, "scores of each value apart"))
        if len(seen) == 3:
            lines += ["", "[files]"]
            parts = zip(("train", "valid", "test"), seen, strict=True)
            lines += [_line(part, path) for part, path in parts]
        return [*lines, ""]

    def _scenarios(self) -> list[str]:
        """The first column that names a scenario, if there is one."""
        guesses = self.guesses
        found = [name for name in guesses.features if self._group(name)[0] == "scenario"]
        return [name for name in found if name not in guesses.ignored][:1]

    def _pages(self) -> list[str]:
        """Pages, where there are users, moments, and a scenario that they are shown in."""
        surface, guesses = self._scenarios(), self.guesses
        is_any = guesses.time_settings.get("unit") == "any"
        if not surface or is_any or None in (guesses.time, guesses.group):
            return []
        named = json.dumps(surface[0], ensure_ascii=False)
        page = f'page = {{ surface = {named}, gap = "30min" }}'
        return ["[groups]", f"{page}    # rows that may have been candidates of one request", ""]

    def _label(self, column: Profile, reason: str) -> list[str]:
        lines = [f"[labels.{task_name(column.name)}]        # {reason}"]
        if task_name(column.name) != column.name:
            lines.append(_line("column", column.name))
        if not column.is_number:
            value, why = positive_of(column)
            (other,) = (column.few or set()) - {value}
            lines.append(_line("positive", value, f"{why}, beside {other!r}"))
        elif column.distinct == 2 and not is_binary(column):
            lines.append(_line("threshold", column.high, f"two values, {column.low:g} beside it"))
        elif not is_binary(column):
            median = np.nanmedian(column.numbers)
            hint = f"or, of 0 and 1: threshold = {median:g}" * (column.distinct <= FEW_GRADES)
            lines.append(_line("kind", "regression", hint))
        if column.missing:
            share = column.missing / column.rows
            lines.append(_line("optional", True, f"{share:.1%} of the rows have none"))
        return [*lines, ""]

    def _history(self) -> list[str]:
        """A list that is made from the log, where it has all that one needs, and no list."""
        guesses = self.guesses
        binary = [name for name in guesses.labels if is_binary(guesses.columns[name])]
        roles = (guesses.time, guesses.group, guesses.item)
        if guesses.lists or not binary or None in roles or guesses.item in guesses.ignored:
            return []
        return [
            "[history]                  # what a user did before a row, the newest last",
            _line("from", task_name(binary[0]), "the label of the rows that it is made from"),
            _line("item", guesses.item),
            "# length = 20              # most items of it",
            "",
        ]

    def _column(self, column: Profile) -> list[str]:
        guesses, name = self.guesses, column.name
        lines = [f"[columns.{_key(name)}]"]
        if name in guesses.ignored:
            return [*lines, _line("kind", "ignore", guesses.ignored[name]), ""]
        if name in guesses.lists:
            return [*lines, *self._sequence(guesses.lists[name]), ""]
        missing = f", {column.missing / column.rows:.1%} missing" * (column.missing > 0)
        if guesses.is_numeric(column):
            return [*lines, *_number(column, missing), self._group_line(column), ""]
        padded = f", {column.padded:,} with blanks around them, which do not count"
        reason = f"{column.distinct:,} values{missing}" + padded * (column.padded > 0)
        known = column.codes.values.drop_null()
        again = len(known) - pc.count_distinct(pc.utf8_lower(known)).as_py()
        reason += f", {again:,} of which differ from another in case alone" * (again > 0)
        lines += [_line("kind", "categorical", reason), self._group_line(column)]
        if 0 < column.not_numbers < 0.2 * column.rows and column.distinct > 20:
            guesses.remarks.append(
                f"{name}: numbers, but {column.not_numbers:,} rows hold something like "
                f"{column.no_number!r}; with empty cells there it could be kind = 'numeric'"
            )
        if not guesses.is_key(name):
            table, why = table_of(column, guesses.keys())
            if table is not None:
                lines.append(_line("table", table.name, why))
        return [*lines, ""]

    def _group_line(self, column: Profile) -> str:
        return _line("group", *self._group(column.name))

    def _group(self, name: str) -> tuple[str, str]:
        """The group of a column, and the reason."""
        guesses, column = self.guesses, self.guesses.columns[name]
        if name == guesses.user:
            return "user", ""
        if name == guesses.item:
            return "item", guesses.item_reason
        roles = {guesses.item: "item", guesses.user: "user"}
        owner = guesses.owner_of(column)
        if owner is not None:
            share = owner.share(column) or 0.0
            return roles[owner.name], f"{_kept(owner.name)} on {share:.1%} of its rows"
        if outcomes.says(name, "history"):  # what the user did before, with another item
            return "context", "by its name"
        for role, key in (("user", guesses.user), ("item", guesses.item)):
            if outcomes.says(name, role):
                found = None if key is None else guesses.owners[key].share(column)
                rows = f", though {_kept(key)} on {found or 0:.1%} of its rows"
                return role, "by its name" + rows * (found is not None)
        if outcomes.says(name, "scenario") and column.distinct <= MOST_SLICES:
            return "scenario", "by its name"
        return "context", ""

    def _sequence(self, lists: Lists) -> list[str]:
        guesses, name = self.guesses, lists.column.name
        lines = [_line("kind", "sequence")]
        if lists.separator is not None:
            lines.append(_line("separator", lists.separator, lists.reason))
        average = lists.ids.rows / max(lists.column.rows, 1)
        told = f"{lists.longest} at most, {average:.1f} on average"
        told += f", {lists.cut:,} longer than {LONGEST}" * (lists.cut > 0)
        lines.append(_line("max_length", int(np.clip(lists.longest, 1, LONGEST)), told))
        if lists.empty:
            guesses.remarks.append(
                f"{name}: {lists.empty:,} lists have an empty place, which training refuses"
            )
        table, why = table_of(lists, guesses.ids())
        owner = guesses.owner_of(lists.column)
        if table is not None:
            lines.append(_line("table", table.name, why))
        elif why:
            lines.append(f"# {why}")
        if owner is not None or (table is None and not outcomes.says(name, "history")):
            lines += [self._group_line(lists.column), "ordered = false"]
        elif name in guesses.times:
            lines.append(_line("times", guesses.times[name], "moments, one for each id"))
        else:
            lines.append("# newest_first = true      # if the newest id stands in front")
        return lines


def _kept(key: str | None) -> str:
    return f"one {key} keeps one value"


def _number(column: Profile, missing: str) -> list[str]:
    known = column.numbers[~np.isnan(column.numbers)]
    median, high = np.median(known), np.quantile(known, 0.99)
    has_tail = bool(column.low >= 0 and high > 20 * max(median, 1e-9) and high > 1)
    reason = f"{'a long tail, ' * has_tail}{column.low:g} to {column.high:g}{missing}"
    scaling = "log" if has_tail else "standard"
    return [_line("kind", "numeric"), _line("scaling", scaling, reason)]


def _line(key: str, value: Any, reason: str = "") -> str:
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    return f"{line:24}   # {_in_one_line(reason)}" if reason else line


def _in_one_line(text: str) -> str:
    """A comment: values of the file may hold characters that would end it."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
