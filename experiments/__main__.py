"""Command line of the evidence: ``python -m experiments --help`` lists the commands."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from experiments.engine import history, planning, records, registry, replaying, replicating, running
from experiments.engine.blocks import Refused
from experiments.engine.declaration import Experiment
from experiments.engine.longer import longer
from experiments.engine.repository import NoHistory
from experiments.engine.store import BUILD, Store
from experiments.engine.workers import NUM_WORKERS, WorkFailed
from experiments.logs import missing


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(arguments)
    options.places = running.Places(options.results, options.folder, options.build, options.workers)
    try:
        return options.run(options) or 0
    except (Refused, NoHistory, WorkFailed, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _say(lines: Iterable[str], file: TextIO | None = None) -> None:
    for line in lines:
        print(line, file=file, flush=True)


def _plan(options: argparse.Namespace) -> None:
    plans = []
    for experiment in registry.choose(options.identifiers, options.folder):
        store = Store(experiment, options.build)
        if lacking := missing(experiment.data):
            print(f"{experiment.identifier}: nothing is measured, {lacking}")
        elif len(store.seconds("tune", "cell")) < planning.NUM_MEASURED:
            store = running.run(experiment, options.places, at_most=planning.NUM_MEASURED)
        plans.append(_say_plan(experiment, store))
    _say(planning.total_lines(plans))


def _say_plan(experiment: Experiment, store: Store) -> planning.Plan:
    plan = planning.plan(experiment, store)
    _say(plan.lines())
    return plan


def _tune(options: argparse.Namespace) -> None:
    for experiment in _present(options):
        _say_plan(experiment, running.run(experiment, options.places, only_tuning=True))


def _run(options: argparse.Namespace) -> None:
    for experiment in _present(options):
        if reason := records.stale(experiment, options.results):
            _record(experiment, options, reason)
        else:
            print(f"{experiment.identifier}: recorded")


def _refresh(options: argparse.Namespace) -> None:
    experiment = registry.load(options.identifier, options.folder)
    former = records.read(experiment.identifier, options.results)
    if former is None:
        raise ValueError(f"{experiment.identifier}: nothing is recorded, use `run`")
    if former["declaration_sha256"] != experiment.sha256():
        raise ValueError(f"{experiment.identifier}: the declaration changed, use `run`")
    if not options.reason.strip():
        raise ValueError("--reason: expected a sentence")
    if lacking := missing(experiment.data):
        raise ValueError(f"{experiment.identifier}: {lacking}")
    marker = Store(experiment, options.build).home / "refreshing"
    with running.alone(experiment.identifier, options.build):
        # A refresh that was killed goes on; only its beginning throws away what was measured.
        number = str(former["record"])
        if not marker.exists() or marker.read_text(encoding="utf-8") != number:
            Store(experiment, options.build).forget()
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text(number, encoding="utf-8")
    _record(experiment, options, options.reason)
    marker.unlink()


def _record(experiment: Experiment, options: argparse.Namespace, reason: str) -> None:
    def before_fresh(store: Store) -> None:
        if lacking := planning.missing_margins(experiment, store):
            raise Refused(f"{experiment.identifier}: {lacking[0]}")
        _say_plan(experiment, store)

    store = running.run(experiment, options.places, before_fresh=before_fresh)
    made = records.make(experiment, store, results=options.results, reason=reason)
    records.write(made, options.results)
    manifest = made["manifest"]
    print(f"{experiment.identifier}: record {manifest['record']}, {manifest['seconds']:.0f} s")
    _say(_lines(manifest["findings"]))
    for measure, pairs in manifest.get("resolution", {}).items():
        _say(f"  resolution of {measure}, {pair}: {half:g}" for pair, half in pairs.items())


def _lines(findings: dict[str, Any]) -> Iterator[str]:
    for name, one in findings.items():
        yield f"  {name}: {one['verdict']}, {one['effect']} {one['interval']}"


def _longer(options: argparse.Namespace) -> None:
    for experiment in _present(options):
        if records.read(experiment.identifier, options.results) is not None:
            print(experiment.identifier)
            _say(_lines(longer(experiment, options.places)))


def _replicate(options: argparse.Namespace) -> None:
    replicating.block_of(options.worlds)
    found = {
        experiment.identifier: replicating.replicate(experiment, options.worlds, options.places)
        for experiment in registry.choose(options.identifiers, options.folder)
        if not experiment.is_real and records.read(experiment.identifier, options.results)
    }
    _say(replicating.lines(found))


def _replay(options: argparse.Namespace) -> int:
    places, confirm = (options.folder, options.results), options.confirm
    how = {"full": options.full or confirm, "every_cell": confirm}
    outcome = replaying.replay(*places, **how, say=lambda line: print(line, flush=True))
    _say(outcome.skipped, sys.stderr)
    if options.confirm:
        _say(replaying.confirm(outcome.confirmed, options.results))
    print(f"{outcome.prefixes} prefixes and {outcome.cells} cells replayed, {outcome.left} left")
    _say([f"warning: {line}" for line in outcome.warnings] + outcome.problems, sys.stderr)
    return 1 if outcome.problems else 0


def _check(options: argparse.Namespace) -> int:
    found = history.problems_of_records(options.folder, options.results)
    _say(found, sys.stderr)
    return 1 if found else 0


def _present(options: argparse.Namespace) -> Iterator[Experiment]:
    """The chosen experiments whose data are there; a line for each of the others."""
    for experiment in registry.choose(options.identifiers, options.folder):
        if lacking := missing(experiment.data):
            print(f"{experiment.identifier}: left out, {lacking}", file=sys.stderr)
        else:
            yield experiment


_COMMANDS = {
    "plan": (_plan, "measure ten cells and print what all will cost"),
    "tune": (_tune, "run the trials alone, and say what margins are worth"),
    "run": (_run, "measure and record what is declared and not yet recorded"),
    "refresh": (_refresh, "run a whole experiment again, on the same worlds"),
    "longer": (_longer, "train longer where runs were cut short: does a finding stay?"),
    "replicate": (_replicate, "measure the findings on worlds nobody has seen"),
    "replay": (_replay, "does today's code give what is recorded?"),
    "check": (_check, "are the records those of the declarations?"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments")
    parser.add_argument("--folder", type=Path, default=registry.FOLDER, help="of the declarations")
    parser.add_argument("--results", type=Path, default=registry.RESULTS, help="of the records")
    parser.add_argument("--build", type=Path, default=BUILD, help="where runs keep what is done")
    parser.add_argument("--workers", type=int, default=NUM_WORKERS, help="processes")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, (run, text) in _COMMANDS.items():
        commands.add_parser(name, help=text, description=text).set_defaults(run=run)
    found = commands.choices
    for name in ("plan", "tune", "run", "longer", "replicate"):
        text = "experiments or chapters; default: all"
        found[name].add_argument("identifiers", nargs="*", help=text)
    found["refresh"].add_argument("identifier")
    found["refresh"].add_argument("--reason", required=True, help="one sentence, kept")
    found["replicate"].add_argument("--worlds", required=True, help="ten, such as 1000:1010")
    found["replay"].add_argument("--full", action="store_true", help="all prefixes")
    text = "note changed code whose numbers agree: all prefixes, one whole cell of each arm"
    found["replay"].add_argument("--confirm", action="store_true", help=text)
    return parser


if __name__ == "__main__":
    sys.exit(main())
