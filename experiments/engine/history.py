"""What the history of the repository must show: declared first, measured then, on new worlds."""

import ast
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.engine import records, registry
from experiments.engine.blocks import entry_of, is_noted, refusal
from experiments.engine.registry import RESULTS
from experiments.engine.repository import git, hashes, lines, require_history
from recsys_book.records.withdrawn import BLOCKS, read_blocks

ROOT = Path(__file__).parents[2]


def problems(folder: Path = registry.FOLDER, results: Path = RESULTS) -> list[str]:
    """Where records and the history of their declarations do not fit, one line each.

    Args:
        folder: of the declarations.
        results: of the records.

    Raises:
        NoHistory: no repository, no git, or a clone without its history.
    """
    require_history(folder)
    known = registry.identifiers(folder)
    return [line for name in known for line in _of_commits(name, folder, results)]


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
    opened = read_blocks(results)["opened"]
    told = changelog.read_text(encoding="utf-8") if changelog.exists() else ""
    for identifier in known:
        if (record := records.read(identifier, results)) is None:
            continue
        experiment = registry.load(identifier, folder)
        if reason := records.stale(experiment, results):
            found.append(f"{reason}; run `python -m experiments run {identifier}`")
        elif not experiment.is_real:
            if not is_noted(entry_of(experiment, None), opened):
                found.append(f"{identifier}: expected its worlds among those opened in {BLOCKS}")
            elif (reason := refusal(experiment, experiment.worlds, opened, folder)) is not None:
                found.append(f"{identifier}: {reason}")
        shas = [one["declaration_sha256"] for one in (*record["history"], record)]
        changes = sum(a != b for a, b in itertools.pairwise(shas))
        if len(record["amendments"]) < changes:
            found.append(
                f"{identifier}: the declaration changed {changes} times, expected as many "
                f"amendments, got {len(record['amendments'])}"
            )
        former, now = record["history"][-1:], record["findings"]
        was = now | (former[0]["findings"] if former else {})
        changed = sorted(name for name in now if was[name]["verdict"] != now[name]["verdict"])
        if changed and identifier not in told:
            found.append(
                f"{identifier}: the verdict of {', '.join(changed)} changed, expected {identifier} "
                f"in {changelog.name}"
            )
    for path in sorted(Path(results).glob("*.json")):
        if path.name != BLOCKS and path.stem not in known:
            found.append(f"{path.name}: no experiment of this name is declared")
    return found


def _of_commits(identifier: str, folder: Path, results: Path) -> Iterator[str]:
    path = registry.path_of(identifier, Path("."))
    first: dict[tuple[str, int], str] = {}
    for commit, record in _versions(identifier, results):
        first.setdefault((record["declaration_sha256"], record["record"]), commit)
    for (sha, number), commit in first.items():
        where = f"{identifier}, record {number} in commit {commit[:10]}"
        if git(folder, "show", f"{commit}^:./{path.as_posix()}") is None:
            yield f"{where}: expected the declaration before its results, there was none"
        elif lines(folder, "diff", "--name-only", f"{commit}^", commit, "--", path.as_posix()):
            yield f"{where}: expected a commit of its own for the declaration, which changes, too"
        elif (sha, number) != [*first][-1]:
            continue  # it was looked at when it was the last one
        # Code that is as it was then declares what is compared with the record anyway; one that
        # today's packages cannot read is not told apart.
        elif _code_of(f"{commit}^", path, folder) != _code_of("HEAD", path, folder):
            if hashes(f"{commit}^", Path(folder)).get(identifier, sha) != sha:
                yield f"{where}: expected the declaration before its results, there was another"


def _code_of(commit: str, path: Path, folder: Path) -> str | None:
    """A declaration's code in a commit, as if the engine had always had a folder."""
    text = git(folder, "show", f"{commit}:./{path.as_posix()}") or b""
    try:
        return ast.dump(ast.parse(text.replace(b"experiments.engine", b"experiments")))
    except SyntaxError:
        return None


def _versions(identifier: str, results: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The commits that changed a manifest, oldest first, and what it was there.

    Those of a branch count where only its work came over: it was declared and measured there.
    """
    path = records.paths(identifier, results)[1]
    wanted = ("log", "--full-history", "--reverse", "--format=%H", "--", path.name)
    for commit in lines(path.parent, *wanted):
        if text := git(path.parent, "show", f"{commit}:./{path.name}"):  # else it was removed there
            yield commit, json.loads(text)
