"""The ledger: what is recorded, what held, how sure one may be, and what cells check exactly.

An exact check prints nothing, so that its statement is taken from the cell that makes it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bookmaker.lessons.lessons import describe, find_texts, read_text
from bookmaker.lessons.sentences import exact_checks, results_of
from recsys_book.base.paths import CHAPTERS, LessonError, write_atomically
from recsys_book.records.records import records, verdict_of
from recsys_book.records.withdrawn import last_replication, read_blocks

INTRODUCTION = Path(__file__).with_name("ledger.md").read_text(encoding="utf-8")

EXACT = """\
## Exact checks

Each is made by a cell of its lesson; one that fails ends the lesson with an error.
"""


def render(chapters: Path = CHAPTERS) -> str:
    """The ledger as Markdown.

    Args:
        chapters: folder of the chapters; the records lie beside it.

    Returns:
        The text.

    Raises:
        LessonError: an exact check does not say identifier and statement as texts.
    """
    results = results_of(chapters)
    known, blocks = records(results), read_blocks(results)
    checks = dict(_checks(chapters))
    findings = sum(len(record["findings"]) for record in known.values())
    exact = sum(len(rows) for rows in checks.values())
    parts = [
        INTRODUCTION,
        f"{_count(findings, 'finding')} of {_count(len(known), 'experiment')}, "
        f"{_count(exact, 'exact check')}.\n",
        _replicated(known, blocks),
        _looks(known),
        *(_section(identifier, record, blocks) for identifier, record in known.items()),
        EXACT,
        *(f"### {lesson}\n\n{_table(_CHECK, rows)}" for lesson, rows in checks.items()),
    ]
    return "\n".join(part for part in parts if part)


def write(chapters: Path = CHAPTERS) -> Path:
    """Write the ledger.

    Args:
        chapters: folder of the chapters; the records lie beside it.

    Returns:
        Where it lies.
    """
    path = path_of(chapters)
    write_atomically(path, render(chapters))
    return path


def path_of(chapters: Path = CHAPTERS) -> Path:
    """Where the ledger lies.

    Args:
        chapters: folder of the chapters.
    """
    return Path(chapters) / "FINDINGS.md"


def problems(chapters: Path = CHAPTERS) -> list[str]:
    """Whether the ledger is not what the records beside the chapters and the lessons say.

    Args:
        chapters: folder of the chapters.

    Returns:
        One line, or none.
    """
    path = path_of(chapters)
    try:
        expected = render(chapters)
    except LessonError as error:
        return [str(error)]
    if not path.exists() or path.read_text(encoding="utf-8") != expected:
        return [f"{path}: not what records and lessons say; run `make book`"]
    return []


_YES_NO = {True: "yes", False: "no", None: ""}
_FINDING = ("finding", "what is said", "verdict", "effect", "interval", "held", "came back")
_CHECK = ("check", "statement")
_CHAPTER = ("chapter", "held", "to be expected", "came back")


def _checks(chapters: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Link and exact checks of each lesson that makes some; a check is a row of its table."""
    for text_path in find_texts(chapters):
        notebook = read_text(text_path)
        rows = []
        for number, identifier, statement in exact_checks(notebook):
            if identifier is None or statement is None:
                raise LessonError(
                    f"{text_path}: cell {number}: exact: expected identifier and statement as "
                    "texts, got something that is known only when it runs"
                )
            rows.append((f"`{identifier}`", statement))
        if rows:
            place = text_path.with_suffix(".ipynb").relative_to(chapters).as_posix()
            yield f"[{describe(text_path, notebook).title}]({place})", rows


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, [":---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _section(identifier: str, record: Mapping[str, Any], blocks: Mapping[str, Any]) -> str:
    last = last_replication(identifier, record, blocks)
    rows = []
    for name in (contrast["finding"] for contrast in record["declaration"]["contrasts"]):
        found = record["findings"][name]
        verdict = verdict_of(found)
        if found.get("failed"):
            verdict += ", runs failed"
        if "longer" in found:
            before, after = found["longer"]["before"], found["longer"]["after"]
            verdict += f" (longer run: {before:+g} became {after:+g})"
        if "withdrawn" in found:
            verdict += f", withdrawn: {found['withdrawn']}"
        effect, interval = "", ""
        if found["effect"] is not None:
            digits = 1 if found["unit"] == "points" else 4
            low, high = found["interval"]
            effect = f"{found['text']}: {found['effect']:+.{digits}f} {found['unit']}"
            interval = f"{low:+.{digits}f} to {high:+.{digits}f}"
        again = last.get(name, {})
        told = [_YES_NO[again.get(field)] for field in ("held", "back")]
        said = found["sentence"]
        rows.append((f"`{identifier}.{name}`", said, verdict, effect, interval, *told))
    return f"## {identifier}\n\n{_head(record)}\n\n{_table(_FINDING, rows)}"


def _head(record: Mapping[str, Any]) -> str:
    if record["worlds"] is None:
        where = f"{record['data']}, {record['users']} users; not part of replication"
    else:
        where = f"worlds {record['worlds'][0]} to {record['worlds'][1] - 1}"
    said = [f"{record['question']} Record {record['record']}, {where}"]
    said.append(f"protocol {record['declaration'].get('protocol', 1)}")
    said.append(_count(len(record["amendments"]), "amendment"))
    for name, found in record.get("varied", {}).items():
        verdict = "holds" if found["confirmed"] else f"is {found['verdict']}"
        said.append(f"with every continuous knob drawn within 25 %, `{name}` {verdict}")
    flagged = [
        f"{name} ({option})"
        for name, arm in record["arms"].items()
        for option in sorted({o for choice in arm["choice"].values() for o in choice["edges"]})
    ]
    if flagged:
        said.append(f"chosen at the edge of its space: {', '.join(flagged)}")
    return "; ".join(said) + "."


def _looks(known: Mapping[str, Any]) -> str:
    """How often the test rows of each log were looked at by tuned models."""
    looks: dict[str, int] = {}
    for record in known.values():
        if record["worlds"] is None:
            # Records that are older than the count were looked at each time they were made.
            count = record.get("looks", record["record"])
            looks[record["data"]] = looks.get(record["data"], 0) + count
    return "".join(
        f"The test rows of {data} were looked at {_count(count, 'time')} by tuned models.\n"
        for data, count in sorted(looks.items())
    )


def _replicated(known: Mapping[str, Any], blocks: Mapping[str, Any]) -> str:
    chapters: dict[str, list[Any]] = {}
    for identifier, record in known.items():
        of_chapter = chapters.setdefault(identifier.split(".")[0], [])
        of_chapter += last_replication(identifier, record, blocks).values()
    judged = [one for ones in chapters.values() for one in ones]
    told = {name for record in known.values() for name in _names(record)}
    ever = {
        f"{identifier}.{name}"
        for identifier, record in known.items()
        for one in record["history"]
        for name in one["findings"]
    }
    ever |= {
        f"{identifier}.{name}"
        for block in blocks["replicated"].values()
        for identifier, found in block.items()
        for name in found.get("findings", {})
    }
    dropped = len(ever - told)
    if not judged:
        return f"None was measured on unseen worlds yet; {_count(dropped, 'finding')} dropped.\n"
    held, chance, back = _told(judged)
    share = 100 * sum(one["held"] for one in judged) / len(judged)
    unknown = sum("back" not in one for one in judged)
    more = f" ({unknown} more were measured before that was recorded)" if unknown else ""
    rows = [(chapter, *_told(ones)) for chapter, ones in chapters.items() if ones]
    return (
        f"On ten worlds that nobody had seen, {held} confirmed findings held ({share:.0f} %; "
        f"{chance} were to be expected from the recorded intervals); {back} effects came "
        f"back{more}; {_count(dropped, 'finding')} dropped.\n\n{_table(_CHAPTER, rows)}"
    )


def _told(judged: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    """How many findings held, what share of them was to be expected, how many effects came back."""
    held = sum(one["held"] for one in judged)
    chance = sum(one["chance"] for one in judged) / len(judged)
    backs = [one["back"] for one in judged if "back" in one]
    return f"{held} of {len(judged)}", f"{100 * chance:.0f} %", f"{sum(backs)} of {len(backs)}"


def _names(record: Mapping[str, Any]) -> set[str]:
    return {f"{record['identifier']}.{name}" for name in record["findings"]}


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
