"""Findings that a record confirms and the book does not say, and why.

What is known of a record beside itself stands in ``blocks.json`` of the records' folder: under
``replicated`` whether a finding held on unseen worlds, under ``withdrawn`` why one is not said.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BLOCKS = "blocks.json"


def read_blocks(results: Path) -> dict[str, Any]:
    """What is known of records beside themselves.

    Args:
        results: folder of the records.

    Returns:
        Dict: ``opened``, what was measured on which worlds; ``replicated``, block of worlds to
        experiment to what was found when it was opened; ``withdrawn``, identifier of a finding to
        the reason.
    """
    path = Path(results) / BLOCKS
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {"opened": [], "replicated": {}, "withdrawn": {}} | kept


def last_replication(
    identifier: str, record: Mapping[str, Any], blocks: Mapping[str, Any]
) -> dict[str, Any]:
    """The confirmed findings in the last block that was opened for this very record.

    Args:
        identifier: of the experiment.
        record: its manifest.
        blocks: of ``read_blocks``.

    Returns:
        Dict of finding to what was noted of it; empty where none was measured again.
    """
    replicated = blocks["replicated"]
    for block in sorted(replicated, key=lambda text: int(text.split(":")[0]), reverse=True):
        found = replicated[block].get(identifier, {})
        if found.get("record") == record["record"] and "findings" in found:
            confirmed = {name for name, one in record["findings"].items() if one["confirmed"]}
            return {name: one for name, one in found["findings"].items() if name in confirmed}
    return {}


def reasons(identifier: str, record: Mapping[str, Any], results: Path) -> dict[str, str]:
    """Why the book does not say findings that a record confirms.

    Args:
        identifier: of the experiment.
        record: its manifest.
        results: folder of the records.

    Returns:
        Dict of finding to the reason: it did not hold when it was last measured on unseen worlds,
        or it was withdrawn by hand.
    """
    blocks = read_blocks(results)
    fell = {
        name: (
            f"it did not hold on ten unseen worlds, where the mean was {one['effect']:+.3g} "
            f"{record['findings'][name]['unit']}"
        )
        for name, one in last_replication(identifier, record, blocks).items()
        if not one["held"]
    }
    names = {f"{identifier}.{name}": name for name in record["findings"]}
    by_hand = blocks["withdrawn"].items()
    return fell | {names[key]: reason for key, reason in by_hand if key in names}
