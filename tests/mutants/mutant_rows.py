"""The recorded mutants: rows of JSON, one file for each package or topic.

A file is a list of groups, each with the mutated ``file``, the file of ``tests`` that finds most of
its mutants, and its ``mutants``. A test id without a path is one of the group's ``tests``::

    {"file": "recsys_lib/features/crosses.py", "tests": "features/test_crosses.py", "mutants": [
    {"name": "pairs: with itself", "tests": ["test_pairs"],
     "old": "itertools.combinations(names, 2)",
     "new": "itertools.combinations_with_replacement(names, 2)"}]}
"""

import dataclasses
import difflib
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "mutants"
WIDTH = 100  # up to which the old and the new text share a line


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One mistake that the tests must reject.

    Args:
        name: what is wrong, in a few words; unique.
        file: module, for example ``"recsys_lib/features/crosses.py"``.
        old: text that occurs exactly once in the file.
        new: what the mistake makes of it.
        tests: test ids below ``tests/``, for example ``"features/test_crosses.py::test_pairs"``;
            at least one of them must fail, in the test itself or inside the mutated file.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple

    def __post_init__(self):
        object.__setattr__(self, "tests", tuple(self.tests))

    def source(self):
        """The mutated module.

        Raises:
            ValueError: the old text does not occur exactly once, or the new one changes nothing
                or cannot be compiled.
        """
        path = ROOT / self.file
        if not path.is_file():
            raise ValueError(f"mutant {self.name!r}: no file is called {self.file}")
        text = path.read_text(encoding="utf-8")
        count = text.count(self.old)
        if count != 1:
            raise ValueError(
                f"mutant {self.name!r}: expected the old text once in {self.file}, "
                f"found it {count} times:\n{self.old}\n{self._places(text, count)}"
            )
        mutated = text.replace(self.old, self.new)
        if mutated == text:
            raise ValueError(f"mutant {self.name!r}: the new text equals the old one")
        try:
            compile(mutated, self.file, "exec")
        except SyntaxError as error:
            raise ValueError(f"mutant {self.name!r}: {error}") from error
        return mutated

    def _places(self, text, count):
        if count:
            parts = text.split(self.old)[:-1]
            numbers = [self.old.join(parts[: i + 1]).count("\n") + 1 for i in range(count)]
            return f"in lines {', '.join(map(str, numbers))}"
        for _, number, lines in nearest(self.old, text):
            return f"the nearest text is {self.file}:{number}:\n{lines}"
        return "no text is like it"


def nearest(old, text, count=1):
    """The lines of a text that are most like another text.

    Returns:
        List of ``(likeness, number of the first line, lines)``, the likest first.
    """
    lines = text.splitlines() or [""]
    wanted = old.strip("\n").splitlines()
    size = max(1, len(wanted))
    likeness = difflib.SequenceMatcher(autojunk=False)
    likeness.set_seq2(" ".join(" ".join(wanted).split()))
    found = []
    for number in range(max(1, len(lines) - size + 1)):
        part = lines[number : number + size]
        likeness.set_seq1(" ".join(" ".join(part).split()))
        if likeness.real_quick_ratio() > 0.3:
            found.append((likeness.quick_ratio(), number, part))
    best = []
    for _, number, part in sorted(found, reverse=True)[: 10 * count]:
        likeness.set_seq1(" ".join(" ".join(part).split()))
        best.append((likeness.ratio(), number + 1, "\n".join(part)))
    return sorted(best, key=lambda one: -one[0])[:count]


def recorded(folder=FOLDER):
    """The mutants of every file of a folder."""
    return [mutant for path in sorted(folder.glob("*.json")) for mutant in read(path)]


def read(path):
    """The mutants of one file."""
    return [
        Mutant(row["name"], group["file"], row["old"], row["new"], _ids(row, group["tests"]))
        for group in json.loads(path.read_text(encoding="utf-8"))
        for row in group["mutants"]
    ]


def _ids(row, file):
    """Full test ids; a row without any is one that all tests of its group may find."""
    ids = row.get("tests") or [file]
    return [id if ".py" in id.split("[")[0] else f"{file}::{id}" for id in ids]


def write(path, mutants):
    """Write the mutants of one file, those of a module and its tests together, else in order."""
    groups = {}
    for mutant in mutants:
        groups.setdefault((mutant.file, mutant.tests[0].split("::")[0]), []).append(mutant)
    texts = []
    for (file, tests), members in groups.items():
        head = f'{{"file": {_json(file)}, "tests": {_json(tests)}, "mutants": [\n'
        texts.append(head + ",\n".join(_row(mutant, tests) for mutant in members) + "]}")
    path.write_text("[\n" + ",\n".join(texts) + "\n]\n", encoding="utf-8")


def _row(mutant, tests):
    ids = [test.removeprefix(f"{tests}::") for test in mutant.tests]
    old, new = f' "old": {_json(mutant.old)},', f' "new": {_json(mutant.new)}}}'
    change = f"{old}{new}" if len(old + new) <= WIDTH else f"{old}\n{new}"
    return f'{{"name": {_json(mutant.name)}, "tests": {_json(ids)},\n{change}'


def _json(value):
    return json.dumps(value, ensure_ascii=False)
