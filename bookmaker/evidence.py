"""The findings' part of the ledger: what is recorded, what held, and how sure one may be."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bookmaker.sentences import results_of
from recsys_book.paths import CHAPTERS, write_atomically
from recsys_book.records import BLOCKS, RESULTS, records, verdict_of

INTRODUCTION = """\
# Ledger of findings

Generated from the records in `experiments/results`; do not edit. A *finding* is a difference that
was declared before it was measured, on worlds (or, on real data, users) that nobody had tuned on. A
*check* is exact and bound to a cell of its lesson; the [ledger of claims](CLAIMS.md) lists those.

Verdicts: *better* (the 95 % interval lies above the margin), *not worse* (above minus the margin),
*level* (within it), *cannot tell* (none of these). Nothing is corrected for the number of
findings: where the truth lies at the margin, 2.5 % of them err. A finding is *unfinished* where
runs end at the last epoch allowed. It *held* if its mean on new worlds lies on the side that the
verdict claims, and its effect *came back* if it lies inside the old interval, widened by the new
one's half-width. Records of protocol 1 are older than these rules: spaces of five to seven
values that extend themselves, unfinished and unstable runs, GAUC on real data.
"""


def render(results: Path | None = None) -> str:
    """The ledger of findings as Markdown.

    Args:
        results: folder of the records; default: that of this checkout.

    Returns:
        The text.
    """
    known = records(results)
    blocks = read_blocks(RESULTS if results is None else Path(results))
    parts = [INTRODUCTION]
    counted = sum(len(record["findings"]) for record in known.values())
    parts.append(f"{_count(counted, 'finding')} of {_count(len(known), 'experiment')}.\n")
    parts.append(_replicated(known, blocks))
    parts.append(_looks(known))
    for identifier, record in known.items():
        parts.append(_section(identifier, record, blocks))
    return "\n".join(part for part in parts if part)


def write(chapters: Path = CHAPTERS, results: Path | None = None) -> Path:
    """Write the ledger of findings beside that of claims.

    Args:
        chapters: folder of the chapters.
        results: folder of the records; default: that beside the chapters.

    Returns:
        Where it lies.
    """
    path = path_of(chapters)
    write_atomically(path, render(results_of(chapters) if results is None else results))
    return path


def path_of(chapters: Path = CHAPTERS) -> Path:
    """Where the ledger of findings lies.

    Args:
        chapters: folder of the chapters.
    """
    return Path(chapters) / "FINDINGS.md"


def problems(chapters: Path = CHAPTERS) -> list[str]:
    """Whether the ledger of findings is not what the records beside the chapters say.

    Args:
        chapters: folder of the chapters.

    Returns:
        One line, or none.
    """
    path = path_of(chapters)
    expected = render(results_of(chapters))
    if not path.exists() or path.read_text(encoding="utf-8") != expected:
        return [f"{path}: not what the records say; run `make book`"]
    return []


def read_blocks(results: Path) -> dict[str, dict[str, Any]]:
    """Block of worlds to experiment to what was found when it was opened."""
    path = Path(results) / BLOCKS
    if not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8")).get("replicated", {})


_YES_NO = {True: "yes", False: "no", None: ""}


def _section(identifier: str, record: Mapping[str, Any], blocks: Mapping[str, Any]) -> str:
    last = _last_replication(identifier, record, blocks)
    rows = ["| finding | what is said | verdict | effect | interval | held | came back |"]
    rows.append("|---|---|---|---|---|---|---|")
    for name in (contrast["finding"] for contrast in record["declaration"]["contrasts"]):
        found = record["findings"][name]
        verdict = verdict_of(found)
        if found.get("failed"):
            verdict += ", runs failed"
        if "longer" in found:
            before, after = found["longer"]["before"], found["longer"]["after"]
            verdict += f" (longer run: {before:+g} became {after:+g})"
        effect, interval = "", ""
        if found["effect"] is not None:
            digits = 1 if found["unit"] == "points" else 4
            low, high = found["interval"]
            effect = f"{found['text']}: {found['effect']:+.{digits}f} {found['unit']}"
            interval = f"{low:+.{digits}f} to {high:+.{digits}f}"
        again = last.get(name, {})
        told = [_YES_NO[again.get(field)] for field in ("held", "back")]
        cells = (f"`{identifier}.{name}`", found["sentence"], verdict, effect, interval, *told)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([f"## {identifier}", "", _head(record), "", *rows, ""])


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


def _last_replication(
    identifier: str, record: Mapping[str, Any], blocks: Mapping[str, Any]
) -> dict[str, Any]:
    """The confirmed findings in the last block that was opened for this very record."""
    for block in sorted(blocks, key=lambda text: int(text.split(":")[0]), reverse=True):
        found = blocks[block].get(identifier, {})
        if found.get("record") == record["record"] and "findings" in found:
            confirmed = {name for name, one in record["findings"].items() if one["confirmed"]}
            return {name: one for name, one in found["findings"].items() if name in confirmed}
    return {}


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
    judged = [
        one
        for identifier, record in known.items()
        for one in _last_replication(identifier, record, blocks).values()
    ]
    told = {name for record in known.values() for name in _names(record)}
    ever = {
        f"{identifier}.{name}"
        for identifier, record in known.items()
        for one in record["history"]
        for name in one["findings"]
    }
    ever |= {
        f"{identifier}.{name}"
        for block in blocks.values()
        for identifier, found in block.items()
        for name in found.get("findings", {})
    }
    dropped = len(ever - told)
    if not judged:
        return f"None was measured on unseen worlds yet; {_count(dropped, 'finding')} dropped.\n"
    held = sum(one["held"] for one in judged)
    chance = sum(one["chance"] for one in judged) / len(judged)
    backs = [one["back"] for one in judged if "back" in one]
    back = f"{sum(backs)} of {len(backs)} effects came back"
    if unknown := len(judged) - len(backs):
        back += f" ({unknown} more were measured before that was recorded)"
    return (
        f"On ten worlds that nobody had seen, {held} of {len(judged)} confirmed findings held "
        f"({100 * held / len(judged):.0f} %; {100 * chance:.0f} % were to be expected from the "
        f"recorded intervals); {back}; {_count(dropped, 'finding')} dropped.\n"
    )


def _names(record: Mapping[str, Any]) -> set[str]:
    return {f"{record['identifier']}.{name}" for name in record["findings"]}


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
