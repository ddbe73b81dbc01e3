"""Renews rows whose old text no longer occurs exactly once in their file.

The last version of a file that holds a text once is looked up in git. Today's lines in its place
are found, in the same file or in the one that has taken over its lines, and the mistake is merged
into them: token by token, as ``git merge`` does it line by line.
"""

import ast
import builtins
import functools
import keyword
import subprocess
import warnings
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from merging import TOKEN, matcher, merges, widened
from mutant_rows import FOLDER, ROOT, nearest, read, write

CONTEXT = 2  # lines on either side
IN_PLACE, ELSEWHERE = 0.5, 0.51  # of the words, for lines in that place to be the same ones
AROUND = 4  # lines in which a neighbour is looked for
SHORT = 12  # characters up to which a line says nothing of where it stands
LONG = 25  # characters from which on a text found in another file is no coincidence
NEAREST = 3  # places in a file, if its lines cannot be aligned


class Renewed(NamedTuple):
    """A renewed mutant; ``doubts`` say why a person should look at it."""

    mutant: object
    how: str
    doubts: tuple = ()


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
    tried = []
    for home in homes_of(mutant, base):
        is_other = home != mutant.file and mutant.file in files()
        if files()[home].count(mutant.old) != 1:
            rows = _rows(mutant, base, files()[home])
        else:
            rows = [(mutant.old, mutant.new, ())] if len(mutant.old) >= LONG or not is_other else []
        for old, new, doubts in rows:
            if is_other and not _is_taken_over(mutant, base, files()[home], old):
                continue
            doubts += (f"{mutant.file} is still there",) * is_other
            found = _checked(mutant, home, old, new, doubts)
            if found and not found.doubts:
                return found
            tried += [found] if found else []
    if tried:
        return min(tried, key=lambda found: len(found.doubts))
    others = [home for home, text in files().items() if text.count(mutant.old) == 1]
    if len(others) == 1 and len(mutant.old) >= LONG:
        doubts = ("nothing but the text itself leads to this file",)
        return _checked(mutant, others[0], mutant.old, mutant.new, doubts)
    return None


def _is_taken_over(mutant, base, text, old):
    """Whether a line beside a mutant's text stands beside it in another file, too."""
    return bool(_beside(base, mutant.old) & _beside(text, old))


def _beside(text, old):
    start = text.index(old)
    parts = (text[:start].splitlines()[-AROUND:], text[start + len(old) :].splitlines()[:AROUND])
    return {line.strip() for part in parts for line in part if len(line.strip()) > SHORT}


def _checked(mutant, home, old, new, doubts):
    """The renewed mutant where it compiles; a doubt where it names what the file does not."""
    text = files()[home]
    found = replace(mutant, file=home, old=old, new=new)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        try:
            source = found.source()
        except ValueError:
            return None
    if _code(source) == _code(text):
        return None
    former = _words(new) & _words(base_of(mutant) or "") - _words(text)
    unknown = sorted(former | _unknown(source) - _unknown(text))
    if unknown:
        doubts += (f"the file does not know {', '.join(unknown)}",)
    line = text[: text.index(old)].count("\n") + 1
    how = f"-> {home}:{line}" if home != mutant.file else f"line {line}"
    return Renewed(found, how, doubts)


def _rows(mutant, base, text):
    """Old text, new text and doubts of a mutant merged into a text; the likeliest first."""
    base = mutant.old if base is None else base
    start = base.index(mutant.old)
    end = start + len(mutant.old)
    before, lines = base.splitlines(keepends=True), text.splitlines(keepends=True)
    top, bottom = base[:start].count("\n"), base[: max(start, end - 1)].count("\n") + 1
    around = (max(0, top - CONTEXT), bottom + CONTEXT)
    pairs = [(around, _aligned(base, *around, text), IN_PLACE)]
    for _, number, near in nearest("".join(before[top:bottom]), text, NEAREST):
        first, last = number - 1, number + near.count("\n")
        pairs.append(((top, bottom), (first, last), ELSEWHERE))
        pairs.append((around, (max(0, first - CONTEXT), last + CONTEXT), ELSEWHERE))
    for rows, others, least in pairs:
        if others is not None:
            offset, place = (sum(map(len, x[: y[0]])) for x, y in ((before, rows), (lines, others)))
            old, other = "".join(before[slice(*rows)]), "".join(lines[slice(*others)])
            span = (start - offset, end - offset)
            new = old[: span[0]] + mutant.new + old[span[1] :]
            for found in merges(old, span, new, other, least):
                found = found._replace(start=found.start + place, end=found.end + place)
                if row := widened(text, found):
                    yield *row, found.doubts


@functools.cache
def _words(text):
    words = filter(str.isidentifier, TOKEN.findall(text))
    return {word for word in words if not keyword.iskeyword(word)}


@functools.cache
def _unknown(text):
    """The names that a module uses and nobody defines."""
    used, defined = set(), set(dir(builtins))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.add(node.id)
        else:
            defined |= {getattr(node, kind, None) for kind in ("id", "arg", "asname", "name")}
    return used - defined


@functools.cache
def _code(text):
    """What a text does: its syntax tree without docstrings and comments."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    return ast.dump(tree)


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
    """The files that have most of the lines which a file had and has no more."""
    name = file.rpartition("/")[2]
    if base is None:
        return [other for other in files() if other.endswith(f"/{name}")]
    gone = _lines(base) - _lines(files().get(file, ""))
    shared = {
        other: sum(1 / _uses()[line] for line in gone & _lines(files()[other])) for other in files()
    }
    likely = [other for other, lines in shared.items() if lines > max(1, len(gone) / 20)]
    return sorted(likely, key=lambda other: -shared[other])[:5]


@functools.cache
def _uses():
    return Counter(line for text in files().values() for line in _lines(text))


@functools.cache
def _lines(text):
    return {line.strip() for line in text.splitlines() if len(line.strip()) > SHORT}


def _aligned(base, top, bottom, text):
    """The lines of a text that stand where those of ``base`` did; None if there are none."""
    bottom = min(len(base.splitlines()), bottom)
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
    return matcher(*both).get_opcodes()


def _nearest(mutant):
    """Where a person looks first: the place of a mutant's lines, and what is most like its text."""
    base, found, place = base_of(mutant), [], ""
    for home in homes_of(mutant, base)[:3]:
        if base is not None and not place:
            number = base[: base.index(mutant.old)].count("\n")
            lines = _aligned(base, number, number + 1, files()[home])
            place = f"its place was {home}:{lines[0] + 1}; " if lines else ""
        for likeness, number, lines in nearest(mutant.old, files()[home]):
            found.append((likeness, f"{home}:{number}: {lines.strip()}"))
    if not found:
        return f"nothing is like {mutant.file}"
    return f"{place}the nearest text is {max(found)[1]}"


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
