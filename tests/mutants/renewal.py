"""Renews rows whose old text no longer occurs exactly once in their file.

The last version of a file that holds a text once is looked up in git. Today's lines beside those are
found, in the same file or in the one that has taken over its lines, and the mistake is merged into
them: token by token, as ``git merge`` does it line by line.
"""

import ast
import difflib
import functools
import re
import subprocess
from dataclasses import replace
from typing import NamedTuple

from rows import FOLDER, ROOT, nearest, read, write

TOKEN = re.compile(r"\d[\w.]*|\w+|\*\*=?|//=?|->|:=|[-+*/<>=!|&]=|\S")
CONTEXT = 2  # lines on either side
LEAST_LIKENESS = 0.5  # of the tokens, for the text to be the same one
LONG = 25  # characters from which on a text found in another file is no coincidence
MOST_LINES = 6  # that make a text unique


class Renewed(NamedTuple):
    """A renewed mutant; ``doubts`` say why a person should look at it."""

    mutant: object
    how: str
    doubts: tuple = ()


class Merged(NamedTuple):
    start: int
    end: int
    text: str
    doubts: tuple


def renew(folder=FOLDER):
    """Renew all rows of a folder that need it, and say of each what became of it.

    Returns:
        How many a person has to renew.
    """
    counts = dict.fromkeys(("moved", "renewed", "look", "not renewed"), 0)
    for path in sorted(folder.glob("*.json")):
        before = read(path)
        after = [_renewed(mutant, counts) for mutant in before]
        if after != before:
            write(path, after)
    print(
        f"{counts['moved']} moved, {counts['renewed']} renewed, {counts['look']} renewed that a "
        f"person should look at, {counts['not renewed']} not renewed"
    )
    return counts["not renewed"]


def _renewed(mutant, counts):
    tests, lost = _tests(mutant)
    file, text = mutant.file, files().get(mutant.file)
    found = Renewed(mutant, "")
    if text is None or text.count(mutant.old) != 1:
        found = find(mutant)
    if found is None:
        counts["not renewed"] += 1
        print(f"not renewed  {mutant.name}\n             {_nearest(mutant)}")
        return replace(mutant, tests=tests)
    how, doubts = found.how, found.doubts
    if tests != mutant.tests:
        how = f"{how}{', ' if how else ''}tests in {', '.join({t.split('::')[0] for t in tests})}"
    if lost:
        doubts += (f"no test is called {', '.join(lost)}: runner.py find",)
    if not how and not doubts:
        return mutant
    kind = "look" if doubts else "moved" if found.mutant.old == mutant.old else "renewed"
    counts[kind] += 1
    print(f"{kind:11}  {mutant.name}\n             {file}{f' {how}' if how else ''}")
    for doubt in doubts:
        print(f"             look: {doubt}")
    if found.mutant.old != mutant.old:
        for sign, one in (("-", mutant), ("+", found.mutant)):
            print(f"           {sign} {one.old!r}\n           {sign}   => {one.new!r}")
    return replace(found.mutant, tests=tests)


def find(mutant):
    """The mutant in today's code; None where its mistake cannot be transferred."""
    base = base_of(mutant)
    homes = homes_of(mutant, base)
    for home in homes:
        if home != mutant.file and files()[home].count(mutant.old) == 1:
            if mutant.file not in files() or len(mutant.old.strip()) >= LONG:
                if found := _checked(mutant, home, mutant.old, mutant.new, ()):
                    return found
    tried = []
    for home in homes:
        text = files()[home]
        for merged in _merges(mutant, base, text):
            row = widened(text, merged)
            found = row and _checked(mutant, home, *row, merged.doubts)
            if found and not found.doubts:
                return found
            tried += [found] if found else []
    if tried:
        return min(tried, key=lambda found: len(found.doubts))
    others = [file for file, text in files().items() if text.count(mutant.old) == 1]
    if len(others) == 1 and len(mutant.old.strip()) >= LONG:
        doubt = (f"only the text itself leads to {others[0]}",)
        return _checked(mutant, others[0], mutant.old, mutant.new, doubt)
    return None


def _checked(mutant, home, old, new, doubts):
    """The renewed mutant where it compiles; a doubt where it names what the file does not."""
    text = files()[home]
    found = replace(mutant, file=home, old=old, new=new)
    try:
        found.source()
    except ValueError:
        return None
    words, known, former = (set(TOKEN.findall(one)) for one in (new, text, base_of(mutant) or ""))
    unknown = [word for word in sorted((words - known) & former) if word.isidentifier()]
    if unknown:
        doubts += (f"the file does not know {', '.join(unknown)}",)
    line = text[: text.index(old)].count("\n") + 1
    how = f"-> {home}:{line}" if home != mutant.file else f"line {line}"
    return Renewed(found, how, doubts)


def _merges(mutant, base, text):
    """The ways to merge a mutant into a text, the likeliest first."""
    if base is None:
        start, base = 0, mutant.old
        blocks = []
    else:
        start = base.index(mutant.old)
        blocks = [_aligned(base, start, start + len(mutant.old), text)]
    lines = text.splitlines(keepends=True)
    number, near = nearest(mutant.old, text)
    first, last = number - 1, number - 1 + len(near.splitlines())
    blocks.append((max(0, first - CONTEXT), min(len(lines), last + CONTEXT)))
    old_lines = base.splitlines(keepends=True)
    top = base[:start].count("\n")
    bottom = top + len(base[start : start + len(mutant.old)].splitlines()) or 1
    top, bottom = max(0, top - CONTEXT), bottom + CONTEXT
    offset = sum(map(len, old_lines[:top]))
    old = "".join(old_lines[top:bottom])
    new = old[: start - offset] + mutant.new + old[start - offset + len(mutant.old) :]
    span = (start - offset, start - offset + len(mutant.old))
    for block in dict.fromkeys(blocks):
        if block is not None:
            before = sum(map(len, lines[: block[0]]))
            for found in merges(old, span, new, "".join(lines[slice(*block)])):
                yield found._replace(start=found.start + before, end=found.end + before)


def merges(old, span, new, text):
    """Merge what makes ``new`` of ``old`` into a third text, in several ways.

    Args:
        old: the text before the mistake.
        span: start and end of the mutant's own text in it.
        new: the text with the mistake.
        text: what ``old`` has become otherwise.

    Yields:
        ``Merged``: what part of ``text`` is replaced, by what, and the doubts about it.
    """
    ours, theirs, third = _Tokens(old), _Tokens(new), _Tokens(text)
    blocks = _matcher(ours.keys, third.keys).get_matching_blocks()
    there = {one.a + i: one.b + i for one in blocks for i in range(one.size)}
    there |= {0: 0, len(ours.keys) - 1: len(third.keys) - 1}  # whatever surrounds the texts
    own = [i for i in range(len(ours.keys)) if span[0] <= ours.starts[i] < span[1]]
    if sum(i in there for i in own) < LEAST_LIKENESS * len(own):
        return
    names = _renames(ours, third)
    fine = [op[1:] for op in _matcher(ours.keys, theirs.keys).get_opcodes() if op[0] != "equal"]
    if not fine:
        return
    coarse = (fine[0][0], fine[-1][1], fine[0][2], fine[-1][3])
    for edits, doubts in (([coarse], ()), (fine, ("text between the changes is another",))):
        placed = [_place(edit, ours, there, third) for edit in edits]
        if all(placed) and not any(one[2] for one in placed):
            yield _joined(edits, placed, ours, theirs, third, names, doubts)
    placed = _place(coarse, ours, there, third)
    if placed and placed[2]:
        doubt = ("the text that the mistake changes is another",)
        yield _joined([coarse], [placed], ours, theirs, third, names, doubt)


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


def _place(edit, ours, there, third):
    """Where tokens of ``ours`` are in the third text: start, end, and whether they are others."""
    i1, i2 = edit[:2]
    inside = [there.get(i) for i in range(i1, i2)]
    left, right = there.get(i1 - 1), there.get(i2)
    if inside and None not in inside and inside[-1] - inside[0] == len(inside) - 1:
        return inside[0], inside[-1] + 1, False
    if left is None or right is None:
        if inside or left is right is None:
            return None
        return (right, right, False) if left is None else (left + 1, left + 1, False)
    if not left < right or right - left - 1 > 3 * (i2 - i1) + 5:
        return None
    return left + 1, right, right - left - 1 != i2 - i1 or bool(inside)


def _joined(edits, placed, ours, theirs, third, names, doubts):
    """The edits at their places in the third text, with its white space where it had changed."""
    parts, at = [], None
    for (i1, i2, j1, j2), (k1, k2, _) in zip(edits, placed, strict=True):
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
    for kind, i1, i2, j1, j2 in _matcher(ours.keys, third.keys).get_opcodes():
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


@functools.cache
def files():
    """Dict of file to text: today's code, but for the tests."""
    names = _git("ls-files", "-co", "--exclude-standard", "*.py").splitlines()
    return {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in sorted(names)
        if not name.startswith("tests/") and (ROOT / name).is_file()
    }


def base_of(mutant):
    """The last version of a mutant's file that holds its text once; None if there is none."""
    versions = (_version(commit, mutant.file) for commit in _commits(mutant.file))
    return next((text for text in versions if text.count(mutant.old) == 1), None)


@functools.cache
def _commits(file):
    return _git("log", "--format=%H", "-n", "100", "--", file).split()


@functools.cache
def _version(commit, file):
    return _git("show", f"{commit}:{file}")


def _git(*command):
    return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True).stdout


def homes_of(mutant, base):
    """The files in which a mutant's text may be today: its own, then those with lines of it."""
    own = [mutant.file] if mutant.file in files() else []
    return own + [file for file in _heirs(mutant.file, base) if file not in own]


@functools.cache
def _heirs(file, base):
    lines = _lines(base) if base else set()
    shared = {other: len(lines & _lines(text)) for other, text in files().items()}
    name = file.rpartition("/")[2]
    likely = [
        other
        for other in shared
        if shared[other] > max(2, len(lines) / 10) or (not base and other.endswith(f"/{name}"))
    ]
    return sorted(likely, key=lambda other: -shared[other])[:5]


@functools.cache
def _lines(text):
    return {line.strip() for line in text.splitlines() if len(line.strip()) > 12}


def _aligned(base, start, end, text):
    """The lines of a text, from and to, that stand where a span of ``base`` with its context was."""
    top = max(0, base[:start].count("\n") - CONTEXT)
    bottom = min(base.count("\n") + 1, base[: max(start, end - 1)].count("\n") + 1 + CONTEXT)
    first = last = None
    for kind, i1, i2, j1, j2 in _line_codes(base, text):
        if i1 <= top < i2:
            first = j1 + (top - i1 if kind == "equal" else 0)
        if i1 < bottom <= i2:
            last = j1 + (bottom - i1) if kind == "equal" else j2
    return None if first is None or last is None or first >= last else (first, last)


@functools.cache
def _line_codes(base, text):
    both = ([line.strip() for line in one.splitlines()] for one in (base, text))
    return _matcher(*both).get_opcodes()


def _matcher(one, other):
    return difflib.SequenceMatcher(None, one, other, autojunk=False)


def _nearest(mutant):
    """File, line and text of what is most like a mutant's old text."""
    base = base_of(mutant)
    found = []
    for home in homes_of(mutant, base)[:3]:
        number, lines = nearest(mutant.old, files()[home])
        found.append((_matcher(mutant.old, lines).ratio(), f"{home}:{number}: {lines.strip()}"))
    return f"the nearest text is {max(found)[1]}" if found else f"{mutant.file} has no heir"


def _tests(mutant):
    """A mutant's tests, where today's files define them; and those that none or several define."""
    tests, lost = [], []
    for test in mutant.tests:
        file, _, id = test.partition("::")
        name = id.split("[")[0].split("::")[-1]
        if not id or name in _defined().get(file, ()):
            tests.append(test)
            continue
        others = [other for other, names in _defined().items() if name in names]
        tests.append(f"{others[0]}::{id}" if len(others) == 1 else test)
        lost += [] if len(others) == 1 else [test]
    return tuple(dict.fromkeys(tests)), lost


@functools.cache
def _defined():
    """Dict of test file below ``tests`` to the names of its tests."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        found[path.relative_to(ROOT / "tests").as_posix()] = names
    return found
