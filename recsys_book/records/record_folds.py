"""The fold below the figures of a lesson: how its recorded evidence was measured."""

import dataclasses
import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recsys_book.records.records import Evidence, evidence, in_words

_WORDS = (
    "A difference counts when its 95 % interval lies above the margin; two models are level when "
    "it lies inside. The glossary explains these words."
)


@dataclasses.dataclass(frozen=True, repr=False)
class HowMeasured:
    """The display of ``how_measured``: a closed block of HTML.

    Args:
        evidence: whose table, findings and setting it shows.
    """

    evidence: Evidence

    def __repr__(self) -> str:
        return f"How this was measured: {self.evidence.record['identifier']}"

    def _repr_html_(self) -> str:
        """The block; a reader opens it with a click."""
        record = self.evidence.record
        lines = [in_words(one) for one in record["findings"].values()]
        found = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
        legend = " ".join([setting_in_words(record), self.evidence.brackets(), _WORDS])
        return (
            f"<details><summary>How this was measured: {html.escape(record['question'])}</summary>"
            f"<p>{html.escape(legend)}</p>{self.evidence.table.to_html()}<ul>{found}</ul>"
            f"<p><code>experiments/results/{record['identifier']}.json</code></p></details>"
        )


def how_measured(
    experiment: str, part: str = "all", task: str | None = None, results: Path | None = None
) -> HowMeasured:
    """The table of an experiment, its findings and its setting, folded.

    Args:
        experiment: ``"chapter.name"``.
        part: slice of the test rows.
        task: which one, where there are several.
        results: folder of the records; default: that of this checkout.

    Returns:
        What a notebook shows as a closed block when it is a cell's last value.

    Raises:
        ValueError: nothing is recorded under this name, or no such slice or task.
    """
    return HowMeasured(evidence(experiment, part, task, results))


def setting_in_words(record: Mapping[str, Any]) -> str:
    """On what an experiment was measured, and how its models were tuned.

    Args:
        record: manifest of the record.
    """
    declared = record["declaration"]
    tried = [list((arm.get("trials") or {}).values()) for arm in record["arms"].values()]
    counts = sorted({len(trials) for of_arm in tried for trials in of_arm})
    number = " or ".join(map(str, counts)) if len(counts) < 3 else f"{counts[0]} to {counts[-1]}"
    tuned = f"Each model was tuned with {number or 'no'} trials"
    if declared.get("data") is not None:
        said = f"{tuned} on validation rows, then trained from five initialisations."
    else:
        first, last = record["worlds"]
        said = f"{tuned} on other worlds, then measured on {last - first} fresh ones."
    return said + at_an_edge(record)


def at_an_edge(record: Mapping[str, Any]) -> str:
    """Name the arms whose choice lies at an edge of what was tried, for the third protocol.

    Args:
        record: manifest of the record.
    """
    if record["declaration"].get("protocol", 1) < 3:
        return ""
    of_arms = {name: (arm.get("choice") or {}).values() for name, arm in record["arms"].items()}
    names = [name for name, chosen in of_arms.items() if any(one["edges"] for one in chosen)]
    said = " Chosen at an edge of what was tried, so that more might help: "
    return f"{said}{'; '.join(names)}." if names else ""
