"""What the history of the repository must show: declared first, measured then, on new worlds."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments import records, registry
from experiments.records import RESULTS

ROOT = Path(__file__).parents[1]


class NoHistory(RuntimeError):
    """The history cannot be read here; the message says why in one line."""


def problems(
    folder: Path = registry.FOLDER, results: Path = RESULTS, root: Path = ROOT
) -> list[str]:
    """Where records and the history of their declarations do not fit, one line each.

    Args:
        folder: of the declarations, below ``root``.
        results: of the records, below ``root``.
        root: of the repository.

    Raises:
        NoHistory: no repository, no git, or a clone without its history.
    """
    _require_history(root)
    found: list[str] = []
    for identifier in registry.identifiers(folder):
        found += _of_commits(identifier, Path(folder), Path(results), Path(root))
    return found


def problems_of_records(
    folder: Path = registry.FOLDER, results: Path = RESULTS, changelog: Path = ROOT / "CHANGELOG.md"
) -> list[str]:
    """What can be seen without a history: stale records, worlds used twice, unsaid changes.

    Args:
        folder: of the declarations.
        results: of the records.
        changelog: names each experiment of which a verdict changed.
    """
    found = []
    known = registry.identifiers(folder)
    for identifier in known:
        record = records.read(identifier, results)
        if record is None:
            continue
        experiment = registry.load(identifier, folder)
        reason = records.stale(experiment, results)
        if reason is not None:
            found.append(f"{reason}; run `python -m experiments run {identifier}`")
        found += _of_blocks(identifier, record)
        found += _of_verdicts(identifier, record, changelog)
    for path in sorted(Path(results).glob("*.json")):
        if path.name != "blocks.json" and path.stem not in known:
            found.append(f"{path.name}: no experiment of this name is declared")
    return found


def former_blocks(record: dict[str, Any]) -> list[tuple[str, Any]]:
    """Hash of the declaration and block of worlds of each former record, oldest first."""
    return [(one["declaration_sha256"], one["worlds"]) for one in record["history"]]


def _of_blocks(identifier: str, record: dict[str, Any]) -> Iterator[str]:
    own = (record["declaration_sha256"], record["worlds"])
    told = [*former_blocks(record), own]
    changes = 0
    for place, (sha, worlds) in enumerate(told[1:], start=1):
        earlier = told[:place]
        if sha == earlier[-1][0]:
            continue
        changes += 1
        for _, other in earlier:
            if worlds is not None and other is not None:
                if worlds[0] < other[1] and other[0] < worlds[1]:
                    yield (
                        f"{identifier}: the declaration changed, expected a new block of worlds, "
                        f"got {worlds[0]}:{worlds[1]} after {other[0]}:{other[1]}"
                    )
                    break
    if len(record["amendments"]) < changes:
        yield (
            f"{identifier}: the declaration changed {changes} times, expected as many lines in "
            f"`amendments`, got {len(record['amendments'])}"
        )


def _of_verdicts(identifier: str, record: dict[str, Any], changelog: Path) -> Iterator[str]:
    if not record["history"]:
        return
    before = record["history"][-1]["findings"]
    changed = sorted(
        name
        for name, finding in record["findings"].items()
        if name in before and before[name]["verdict"] != finding["verdict"]
    )
    text = changelog.read_text(encoding="utf-8") if changelog.exists() else ""
    if changed and identifier not in text:
        yield (
            f"{identifier}: the verdict of {', '.join(changed)} changed, expected {identifier} in "
            f"{changelog.name}"
        )


def _of_commits(identifier: str, folder: Path, results: Path, root: Path) -> Iterator[str]:
    declared = registry.path_of(identifier, folder).resolve().relative_to(root.resolve())
    manifest = records.paths(identifier, results)[1].resolve().relative_to(root.resolve())
    seen: set[tuple[str, int]] = set()
    for commit in _commits_of(manifest, root):
        text = _git(root, "show", f"{commit}:{manifest.as_posix()}")
        if text is None:  # removed there
            continue
        record = json.loads(text)
        version = (record["declaration_sha256"], record["record"])
        if version in seen:
            continue
        seen.add(version)
        short = commit[:10]
        before = _git(root, "show", f"{commit}^:{declared.as_posix()}")
        if before is None:
            yield (
                f"{identifier}: expected the declaration before its results, commit {short} adds "
                f"record {record['record']} and there was none"
            )
            continue
        changed = _git(
            root, "diff", "--name-only", f"{commit}^", commit, "--", str(declared.parent)
        )
        if declared.as_posix() in (changed or "").splitlines():
            yield (
                f"{identifier}: expected a commit of its own for the declaration, {short} changes "
                f"it together with record {record['record']}"
            )


def _commits_of(path: Path, root: Path) -> list[str]:
    """The commits that changed a file, oldest first."""
    listed = _git(root, "log", "--reverse", "--format=%H", "--", path.as_posix())
    return (listed or "").split()


def _require_history(root: Path) -> None:
    shallow = _git(root, "rev-parse", "--is-shallow-repository")
    if shallow is None:
        raise NoHistory("no history: this is no git repository, or git is not installed")
    if shallow.strip() == "true":
        raise NoHistory("no history: this is a shallow clone; run `git fetch --unshallow`")


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints, or None where it fails."""
    try:
        finished = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return finished.stdout.decode("utf-8", errors="replace")
