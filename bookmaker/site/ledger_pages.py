"""The ledger with anchors and ways back, and the index of its findings by model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bookmaker.site.links import LEDGER, html_of
from recsys_lib.zoo import MODELS

_ROW = re.compile(r"^\| `([\w.]+)` \| (.+) \|$", re.MULTILINE)
_SECTION = re.compile(r"^## ([a-z_]+\.[a-z_0-9]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A row of the ledger: a finding, or an exact check, which has a sentence alone."""

    identifier: str
    sentence: str
    verdict: str = ""
    effect: str = ""


def entries(ledger: str) -> dict[str, Entry]:
    """All rows of the ledger by their identifiers.

    Args:
        ledger: its Markdown.
    """
    found = {}
    for identifier, rest in _ROW.findall(ledger):
        found.setdefault(identifier, Entry(identifier, *rest.split(" | ")[:3]))
    return found


def ledger_page(ledger: str, cited: Mapping[str, list[str]], titles: Mapping[str, str]) -> str:
    """The ledger with an anchor and the citing lessons in each row, and links to the records.

    Args:
        ledger: its Markdown.
        cited: dict of an entry to the paths of the pages that cite it.
        titles: dict of a page's path to its title.
    """

    def row(found):
        identifier, rest = found.groups()
        back = "".join(
            f'<br><a href="../{html_of(page)}#cited.{identifier}">'
            f"{titles[page].partition(':')[0]}</a>"
            for page in cited.get(identifier, ())
        )
        # Later rows of the same name, in the lists of replications, have no anchor.
        anchor = "" if identifier in seen else f' id="{identifier}"'
        seen.add(identifier)
        return f"| <code{anchor}>{identifier}</code>{back} | {rest} |"

    def section(found):
        files = " and ".join(
            f'<a href="../records/{found[1]}.{ending}">{said}</a>'
            for ending, said in (("json", "the record (JSON)"), ("csv", "its measurements (CSV)"))
        )
        return f"{found[0]}\n\n{files}\n"

    seen: set[str] = set()
    return _SECTION.sub(section, _ROW.sub(row, ledger))


def by_model(found: Mapping[str, Entry]) -> str:
    """The page that lists findings by the models that they compare.

    Args:
        found: all entries.
    """
    parts = [
        "# Findings by model\n\nEach recorded difference stands with both models that it compares; "
        "[the ledger](../chapters/FINDINGS.md) has all of them by experiment, with intervals.\n"
    ]
    names = dict.fromkeys([*(row.name for row in MODELS), "trees"])
    for name in names:
        word = re.compile(rf"(?:^|to ){re.escape(name)}(?=,|:| to )")
        about = [one for one in found.values() if word.search(one.effect)]
        if about:
            parts.append(f"## {name}\n")
            parts += [f"- {_linked(one)} *{one.verdict}*: {one.effect}" for one in about]
            parts.append("")
    return "\n".join(parts)


def _linked(entry):
    return f'<a href="../{html_of(LEDGER)}#{entry.identifier}">{entry.sentence}</a>'
