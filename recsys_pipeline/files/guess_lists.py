"""Guess which columns hold lists, what separates their ids, and whose ids they are."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recsys_pipeline.files import outcomes
from recsys_pipeline.files.arrays import canonical_texts
from recsys_pipeline.files.column_profiles import MIN_ROWS, MOSTLY, Profile, Values, hashes_of
from recsys_pipeline.files.description import TimeDescription
from recsys_pipeline.files.parquet import is_list
from recsys_pipeline.files.times import as_seconds

MAX_VALUES = 20_000
SEPARATORS = ("|", ";", ",", " ")
LONGEST = 50
"""Most ids of a list that a first description keeps."""

SOME = 0.05
"""A column holds lists if this share of its values has several parts that are ids elsewhere."""

NUM_RANGES = 10
"""Ranges of whole numbers in which chance is computed."""

BEYOND_CHANCE = 4.0
"""Standard deviations by which common ids outnumber what chance gives, or they may be chance."""

LOOKS = "by its looks"

_BRACKETS = r"^\s*[\[({].*[\])}]\s*$"
_SAMPLE_ELEMENTS = 100_000


@dataclasses.dataclass
class Lists:
    """The lists of a column over all rows.

    Args:
        column: its profile.
        separator: None where the file has lists by itself.
        reason: for the separator.
        ids: the profile of the ids, over all lists.
        longest: number of ids of the longest list.
        cut: lists with more than ``LONGEST`` ids.
        empty: lists with nothing between two separators, which training refuses.
        alike: names of other lists that are as long on every row.
    """

    column: Profile
    separator: str | None
    reason: str
    ids: Profile
    longest: int = 0
    cut: int = 0
    empty: int = 0
    alike: set[str] = dataclasses.field(default_factory=set)

    def add(self, values: pa.Array) -> np.ndarray:
        """Add rows; returns the lengths of their lists, ``(N,)`` int64."""
        flat, lengths, empty = parts_of(values, self.separator)
        self.empty += empty
        self.longest = max(self.longest, int(lengths.max(initial=0)))
        self.cut += int((lengths > LONGEST).sum())
        self.ids.add(flat)
        return lengths

    def newest_on_sample(self, settings: Mapping[str, str]) -> np.ndarray:
        """The largest element of each list of the sample, in seconds; -inf where there is none."""
        chunks = self.column.sample.combine_chunks()
        flat, lengths, _ = parts_of(chunks, self.separator)
        newest = np.full(len(lengths), -np.inf)
        seconds = as_seconds(flat, TimeDescription("", **settings))
        np.maximum.at(newest, np.repeat(np.arange(len(lengths)), lengths), seconds)
        return newest


def parts_of(values: pa.Array, separator: str | None) -> tuple[pa.Array, np.ndarray, int]:
    """Elements of lists, the lists' lengths, and how many lists have an empty element."""
    if not is_list(values.type):
        values = values.cast(pa.string())
        texts = pc.if_else(pc.equal(pc.utf8_trim_whitespace(values), ""), None, values)
        values = pc.split_pattern(texts, separator)
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy().astype(np.int64)
    flat = pc.list_flatten(values)
    if pa.types.is_string(flat.type):
        flat = canonical_texts(flat)
    missing = np.flatnonzero(flat.is_null().to_numpy(zero_copy_only=False))
    rows = np.searchsorted(np.cumsum(lengths), missing, side="right")
    return flat, lengths, len(np.unique(rows))


def by_chance(ids: Profile, other: Profile) -> float:
    """The share of ids that another column would have by chance, if it were of other things.

    Whole numbers are the same by chance as often as the other column has a number of a range, in
    ``NUM_RANGES`` ranges of equally many ids; texts never are.
    """
    if not (ids.is_number and other.is_number and ids.is_whole and other.is_whole):
        return 0.0
    mine, others = (np.unique(one.numbers[~np.isnan(one.numbers)]) for one in (ids, other))
    if not len(mine):
        return 0.0
    edges = np.unique(np.quantile(mine, np.arange(NUM_RANGES) / NUM_RANGES, method="lower"))
    edges = np.append(edges, mine[-1] + 1)
    in_range = np.histogram(others, edges)[0] * (other.distinct / max(len(others), 1))
    density = np.minimum(in_range / np.diff(edges), 1.0)
    return float((np.histogram(mine, edges)[0] * density).sum() / len(mine))


def is_beyond(share: float, chance: float, size: int) -> bool:
    """Whether most ids are common, of those too that chance does not explain.

    Args:
        share: of common ids.
        chance: the share that is expected by chance.
        size: number of ids.

    Example:
        >>> is_beyond(1.0, 0.84, 5000), is_beyond(0.89, 0.84, 5000), is_beyond(1.0, 0.84, 20)
        (True, False, False)
    """
    noise = np.sqrt(chance * (1 - chance) / max(size, 1))
    return bool(share - chance > max(MOSTLY * (1 - chance), BEYOND_CHANCE * noise))


def separator_of(column: Profile, ids: Sequence[Profile]) -> tuple[str, str] | None:
    """What separates the ids of a column of lists, and the reason; None if they are no lists.

    Args:
        column: texts.
        ids: columns whose values the lists may hold; where a list's parts are such values, looks
            do not count.
    """
    texts = pc.unique(column.codes.values).drop_null()[:MAX_VALUES]
    if len(texts) < MIN_ROWS:
        return None
    marks = "".join(texts[:1000].to_pylist())
    singles = [mark for mark in dict.fromkeys([*SEPARATORS, *marks]) if not mark.isalnum()]
    best: tuple[float, str, str] = (0.0, "", "")
    for mark in [*(one * 2 for one in singles if one * 2 in marks), *singles]:
        parts = pc.split_pattern(texts, mark)
        has_several = pc.greater(pc.list_value_length(parts), 1)
        several = pc.mean(has_several).as_py()
        if several < SOME:
            continue
        found, ends = _part_profiles(parts.filter(has_several))
        whole = Values()
        whole.add(hashes_of(texts.filter(has_several)))
        for other in (one for one in ids if one.name != column.name):
            # A user's id beside an item's is no list: its parts differ by their places.
            share = min(one.ids.share_in(other.ids) for one in (found, *ends))
            is_sure = is_beyond(share, by_chance(found, other), found.distinct)
            if not (is_sure or (share > MOSTLY and is_named_for(column.name, other.name))):
                continue
            if share > best[0] + 1e-9 and whole.share_in(other.ids) < MOSTLY:
                best = (share, mark, f"{share:.0%} of the parts are values of {other.name}")
    if best[1]:
        return best[1], best[2]
    looks = _by_looks(texts)
    return None if looks is None else (looks, LOOKS)


def separator_like(column: Profile, lists: Mapping[str, tuple[Profile, str | None, str]]) -> Any:
    """Separator and reason if a column's texts are always as long as the lists of another column.

    Args:
        column: texts, such as the moments of the ids in another column.
        lists: name to profile and separator.
    """
    texts = column.sample.combine_chunks()
    for name, (other, separator, _) in lists.items():
        for mark in (*SEPARATORS, "^") if separator is None else (separator,):
            lengths = parts_of(texts, mark)[1]
            others = parts_of(other.sample.combine_chunks(), separator)[1]
            if lengths.max(initial=0) > 1 and np.array_equal(lengths, others):
                return mark, f"as long as {name} on every row"
    return None


def _part_profiles(parts: pa.ListArray) -> tuple[Profile, list[Profile]]:
    """Profiles of all parts, and of the first and the last parts alone."""
    ends = parts.offsets.to_numpy()
    profiles = []
    for texts in (parts.flatten(), parts.values.take(ends[:-1]), parts.values.take(ends[1:] - 1)):
        texts = pc.unique(texts)
        profiles.append(Profile("", pa.string(), sample=pa.chunked_array([texts])))
        profiles[-1].add(texts)
    return profiles[0], profiles[1:]


def _by_looks(texts: pa.Array) -> str | None:
    """The separator of the parts, if distinct texts look like lists of common parts.

    It is None if most texts have one part, or the parts seldom repeat.
    """
    for separator in SEPARATORS:
        parts = pc.split_pattern(texts, separator)
        several = pc.mean(pc.greater(pc.list_value_length(parts), 1)).as_py()
        if several <= MOSTLY:
            continue
        flat = pc.list_flatten(parts)
        distinct = pc.count_distinct(flat).as_py()
        # Words of titles repeat as well, but are not ids.
        are_ids = separator in "|;" or _all_match(flat, r"^\s*\d+\s*$")
        if are_ids and distinct <= MOSTLY * len(flat):
            return separator
    return None


def _all_match(texts: pa.Array, shape: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, shape)).as_py())


def has_brackets(column: Profile) -> bool:
    """Whether the texts of a column are lists in brackets, as Python and JSON write them."""
    texts = column.codes.values.drop_null()
    is_one = pc.match_substring_regex(texts, _BRACKETS)
    return len(texts) >= MIN_ROWS and pc.mean(is_one).as_py() > MOSTLY


def are_decimals(column: Profile) -> bool:
    """Whether the texts of a column are numbers with at most one comma, as in ``4,52``."""
    return _all_match(column.codes.values.drop_null(), r"^\s*[+-]?\d+(,\d+)?\s*$")


def is_named_for(name: str, other: str) -> bool:
    """Whether a column's name says that it holds another one's ids: of the same thing, or earlier.

    Example:
        >>> is_named_for("clicked_items", "item_id"), is_named_for("user_tags", "user_id")
        (True, False)
    """
    words, others = (
        {word.rstrip("s") for word in outcomes.words_of(one) if not outcomes.says(word, "user")}
        for one in (name, other)
    )
    common = {word for word in words & others if not outcomes.says(word, "code")}
    return bool(common) or (outcomes.says(name, "history") and outcomes.says(other, "thing"))


def read_lists(
    batches: Iterable[pa.RecordBatch], columns: Mapping[str, tuple[Profile, str | None, str]]
) -> dict[str, Lists]:
    """The lists of all rows.

    Args:
        batches: rows, with these columns.
        columns: name to profile, separator and reason.

    Returns:
        Dict of name to ``Lists``.
    """
    found = {}
    for name, (column, separator, reason) in columns.items():
        kind = column.kind.value_type if is_list(column.kind) else pa.string()
        found[name] = Lists(column, separator, reason, Profile(name, kind))
        found[name].alike = set(columns) - {name}
        for chunk in column.sample.chunks[:1]:
            flat = parts_of(chunk, separator)[0][:_SAMPLE_ELEMENTS]
            found[name].ids.sample = pa.chunked_array([flat])
    for batch in batches:
        lengths = {name: one.add(batch.column(name)) for name, one in found.items()}
        for name, one in found.items():
            one.alike -= {
                other for other in one.alike if not np.array_equal(lengths[name], lengths[other])
            }
    return found


def table_of(
    lists_or_column: Lists | Profile, others: Sequence[Profile]
) -> tuple[Profile | None, str]:
    """The column whose ids these are, and how much of them, in words; None if chance explains it.

    Args:
        lists_or_column: a column.
        others: columns of ids, the item's first.
    """
    ids = lists_or_column.ids if isinstance(lists_or_column, Lists) else lists_or_column
    name = ids.name
    if ids.distinct < MIN_ROWS and not isinstance(lists_or_column, Lists):
        return None, ""
    best, best_rank, doubt = None, (False, False, 0.0), ""
    for other in others:
        share = ids.ids.share_in(other.ids)
        if share <= MOSTLY:
            continue
        chance = by_chance(ids, other)
        is_sure, is_named = is_beyond(share, chance, ids.distinct), is_named_for(name, other.name)
        is_named &= isinstance(lists_or_column, Lists) or outcomes.says(name, "history")
        if not (is_sure or is_named):
            doubt = doubt or (
                f"{share:.0%} of its ids are values of {other.name}, by chance it would be "
                f"{chance:.0%}: not taken for the same"
            )
            continue
        common = share * ids.distinct
        union = ids.distinct + other.distinct - common
        rank = (is_named, outcomes.says(other.name, "thing"), common / max(union, 1))
        if best is None or rank > best_rank:
            why = f"by chance {chance:.0%}" if is_sure else "chance gives as many: by its name"
            best, best_rank = other, rank
            said = f"{share:.0%} of its ids are values of it, {why}"
    return (None, doubt) if best is None else (best, said)


def is_readable_text(column: Profile) -> bool:
    """Whether the column may hold lists: text that is neither numbers nor moments."""
    is_text = pa.types.is_string(column.kind) or pa.types.is_large_string(column.kind)
    return is_text and not column.is_number and column.distinct >= MIN_ROWS
