"""Merges a mistake into a text that has changed otherwise: token by token, not line by line."""

import difflib
import re
from typing import NamedTuple

TOKEN = re.compile(r"\d[\w.]*|\w+|\*\*=?|//=?|->|:=|[-+*/<>=!|&]=|\S")
LEAST_LIKENESS = 0.5  # of the words that a mistake changes, for them to be the same ones
MOST_LINES = 6  # that make a text unique
QUOTES = ('"', "'")
OTHER_TEXT = "what the mistake changes is another text"
OTHERS_BETWEEN = "other text stands between the parts that the mistake changes"
OTHERS_BESIDE = "other text stands beside what the mistake changes"


class Merged(NamedTuple):
    """What stands from start to end of a text is replaced; ``doubts`` say what to look at."""

    start: int
    end: int
    text: str
    doubts: tuple


def merges(old, span, new, text, least):
    """Merge what makes ``new`` of ``old`` into a third text, in several ways.

    Args:
        old: the text before the mistake.
        span: start and end of the mutant's own text in it.
        new: the text with the mistake.
        text: what ``old`` has become otherwise.
        least: share of the mutant's own words that stand there too, or nothing is merged.

    Yields:
        ``Merged``: what part of ``text`` is replaced, by what, and the doubts about it.
    """
    ours, theirs, third = _Tokens(old), _Tokens(new), _Tokens(text)
    blocks = matcher(ours.keys, third.keys).get_matching_blocks()
    there = {one.a + i: one.b + i for one in blocks for i in range(one.size)}
    there |= {0: 0, len(ours.keys) - 1: len(third.keys) - 1}  # whatever surrounds the texts
    own = [
        i
        for i, key in enumerate(ours.keys)
        if span[0] <= ours.starts[i] < span[1] and key.isidentifier()
    ]
    if sum(i in there for i in own) < least * len(own):
        return
    names = _renames(ours, third)
    fine = [op[1:] for op in matcher(ours.keys, theirs.keys).get_opcodes() if op[0] != "equal"]
    if not fine:
        return
    coarse = (fine[0][0], fine[-1][1], fine[0][2], fine[-1][3])
    for edits, doubts in (([coarse], ()), (fine, (OTHERS_BETWEEN,))):
        exact = [_exactly(edit, ours, there) for edit in edits]
        if all(exact):
            alone = [
                x[0]
                for e, x in zip(edits, exact, strict=True)
                if there.get(e[0] - 1, -1) != x[0] - 1 and there.get(e[1]) != x[1]
            ]
            doubts += (OTHERS_BESIDE,) * bool(alone)
            if not any(third.keys[start - 1] in QUOTES for start in alone):
                yield _joined(edits, exact, ours, theirs, third, names, doubts)
    for place in _roughly(coarse, ours, there, third):
        merged = _joined([coarse], [place], ours, theirs, third, names, (OTHER_TEXT,))
        if not set(TOKEN.findall(merged.text)) & set(ours.keys) - set(third.keys):
            yield merged


class _Tokens:
    """A text's tokens between two that stand for what surrounds it; white space separates them."""

    def __init__(self, text):
        found = list(TOKEN.finditer(text))
        self.text = text
        self.keys = ["", *(one.group() for one in found), ""]
        self.starts = [0, *(one.start() for one in found), len(text)]
        self.ends = [0, *(one.end() for one in found), len(text)]

    def gap(self, i):
        """The white space before a token."""
        return self.text[self.ends[i - 1] : self.starts[i]]


def _exactly(edit, ours, there):
    """From where to where the same tokens stand in the third text; None if they do not."""
    i1, i2 = edit[:2]
    left, right = there.get(i1 - 1), there.get(i2)
    if i1 == i2:
        at = right if left is None else left + 1
        return None if at is None or right not in (None, at) else (at, at)
    inside = [there.get(i) for i in range(i1, i2)]
    start = inside[0]
    same = start is not None and inside == list(range(start, start + i2 - i1))
    return (start, start + i2 - i1) if same else None


def _roughly(edit, ours, there, third):
    """From where to where others stand in their place: between the same ends or neighbours."""
    i1, i2 = edit[:2]
    words = [word for word in ours.keys[i1:i2] if word.isidentifier()]
    for first, last, around in ((i1, i2 - 1, 0), (i1 - 1, i2, 1)):
        if first in there and last in there and there[first] < there[last] + around:
            start, end = there[first] + around, there[last] + 1 - around
            same = sum(word in third.keys[start:end] for word in words)
            if end - start <= 3 * (i2 - i1) + 5 and same >= LEAST_LIKENESS * len(words):
                yield start, end


def _joined(edits, placed, ours, theirs, third, names, doubts):
    """The edits at their places in the third text, with its white space where it had changed."""
    parts, first, at = [], None, None
    for (i1, i2, j1, j2), (k1, k2) in zip(edits, placed, strict=True):
        start, end = third.ends[k1 - 1], third.starts[k2]
        left, right = (ours.gap(i1), third.gap(k1)), (ours.gap(i2), third.gap(k2))
        if j1 == j2:
            gap = theirs.gap(j1)
            part = right[1] if gap == right[0] else left[1] if gap == left[0] else gap
        else:
            part = theirs.text[theirs.starts[j1] : theirs.ends[j2 - 1]]
            for name, other in names.items():
                if re.search(rf"\b{name}\b", part):
                    part = re.sub(rf"(?<![\w.]){name}\b(?!\s*=[^=])", lambda _, o=other: o, part)
                    doubts += (f"{name} is written {other} now",)
            if "\n" in left[0]:
                indent = left[0].rpartition("\n")[2], left[1].rpartition("\n")[2]
                part = part.replace(f"\n{indent[0]}", f"\n{indent[1]}")
            before, after = theirs.gap(j1), theirs.gap(j2)
            before = left[1] if before == left[0] else before
            part = before + part + (right[1] if after == right[0] else after)
        parts += [third.text[at:start] if at is not None else "", part]
        first = start if at is None else first
        at = end
    return Merged(first, at, "".join(parts), tuple(dict.fromkeys(doubts)))


def _renames(ours, third):
    """Names that every place of the third text writes otherwise."""
    names = {}
    for kind, i1, i2, j1, j2 in matcher(ours.keys, third.keys).get_opcodes():
        if kind == "replace" and i2 - i1 == 1 and 1 <= j2 - j1 <= 5:
            name, other = ours.keys[i1], third.text[third.starts[j1] : third.ends[j2 - 1]]
            if name.isidentifier() and name not in third.keys and "\n" not in other:
                names[name] = other
    return names


def widened(text, merged):
    """Old and new text of a mutant: whole lines, as many as make the old one unique."""
    old = text[merged.start : merged.end]
    same = len(_common(old, merged.text))
    rest = len(_common(old[same:][::-1], merged.text[same:][::-1]))
    start, end = merged.start + same, merged.end - rest
    new = merged.text[same : len(merged.text) - rest]
    top, bottom = text.rfind("\n", 0, start) + 1, text.find("\n", max(start, end))
    bottom = len(text) if bottom < 0 else bottom
    for number in range(MOST_LINES):
        old, changed = text[top:bottom], text[top:start] + new + text[end:bottom]
        indent = len(_common(_indent(old), _indent(changed)))
        if text.count(old[indent:]) == 1:
            return old[indent:], changed[indent:]
        if text.count(old) == 1:
            return old, changed
        if number % 2 == 0:
            top = text.rfind("\n", 0, max(0, top - 1)) + 1
        else:
            bottom = text.find("\n", bottom + 1)
            bottom = len(text) if bottom < 0 else bottom
    return None


def _common(one, other):
    pairs = enumerate(zip(one, other, strict=False))
    return one[: next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))]


def _indent(text):
    return text[: len(text) - len(text.lstrip(" "))]


def matcher(one, other):
    """Difflib's, without its heuristic for long sequences."""
    return difflib.SequenceMatcher(None, one, other, autojunk=False)
