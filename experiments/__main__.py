"""Command line of the evidence: ``python -m experiments --help`` lists the commands."""

import argparse
import sys
from pathlib import Path

from experiments import planning, records, registry, replicating, running
from experiments.declaration import Experiment
from experiments.history import problems_of_records
from experiments.logs import missing
from experiments.store import BUILD, Store
from experiments.workers import NUM_WORKERS, WorkFailed


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (running.Refused, WorkFailed, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _plan(options):
    plans = []
    for experiment in registry.choose(options.identifiers, options.folder):
        lacking = missing(experiment.data)
        store = Store(experiment, options.build)
        if lacking is not None:
            print(f"{experiment.identifier}: nothing is measured, {lacking}")
        elif len(store.seconds("tune", "cell")) < planning.NUM_MEASURED:
            store = running.run(
                experiment,
                folder=options.folder,
                build=options.build,
                num_workers=options.workers,
                at_most=planning.NUM_MEASURED,
            )
        plans.append(planning.plan(experiment, store))
        for line in plans[-1].lines():
            print(line, flush=True)
    for line in planning.total_lines(plans):
        print(line)
    return 0


def _tune(options):
    for experiment in _present(options):
        store = running.run(
            experiment,
            folder=options.folder,
            build=options.build,
            num_workers=options.workers,
            only_tuning=True,
        )
        for line in planning.plan(experiment, store).lines():
            print(line, flush=True)
    return 0


def _run(options):
    for experiment in _present(options):
        reason = records.stale(experiment, options.results)
        if reason is None:
            print(f"{experiment.identifier}: recorded")
            continue
        former = records.read(experiment.identifier, options.results)
        why = None if former is None else reason
        if former is not None and former["declaration_sha256"] != experiment.sha256():
            _require_new_worlds(experiment, former)
        _run_one(experiment, options, why)
    return 0


def _refresh(options):
    experiment = registry.load(options.identifier, options.folder)
    former = records.read(experiment.identifier, options.results)
    if former is None:
        raise ValueError(f"{experiment.identifier}: nothing is recorded, use `run`")
    if former["declaration_sha256"] != experiment.sha256():
        raise ValueError(f"{experiment.identifier}: the declaration changed, use `run`")
    if not options.reason.strip():
        raise ValueError("--reason: expected a sentence")
    lacking = missing(experiment.data)
    if lacking is not None:
        raise ValueError(f"{experiment.identifier}: {lacking}")
    marker = Store(experiment, options.build).home / "refreshing"
    with running.alone(experiment.identifier, options.build):
        # A refresh that was killed goes on; only its beginning throws away what was measured.
        number = str(former["record"])
        if not marker.exists() or marker.read_text(encoding="utf-8") != number:
            Store(experiment, options.build).forget()
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text(number, encoding="utf-8")
    _run_one(experiment, options, options.reason)
    marker.unlink()
    return 0


def _run_one(experiment: Experiment, options: argparse.Namespace, reason: str | None) -> None:
    def before_fresh(store: Store) -> None:
        lacking = planning.missing_margins(experiment, store)
        if lacking:
            raise running.Refused(f"{experiment.identifier}: {lacking[0]}")
        for line in planning.plan(experiment, store).lines():
            print(line, flush=True)

    store = running.run(
        experiment,
        folder=options.folder,
        build=options.build,
        num_workers=options.workers,
        before_fresh=before_fresh,
    )
    made = records.make(experiment, store, results=options.results, reason=reason)
    records.write(made, options.results)
    manifest = made["manifest"]
    print(f"{experiment.identifier}: record {manifest['record']}, {manifest['seconds']:.0f} s")
    for name, finding in manifest["findings"].items():
        print(f"  {name}: {finding['verdict']}, {finding['effect']} {finding['interval']}")
    for measure, pairs in manifest.get("resolution", {}).items():
        for pair, half in pairs.items():
            print(f"  resolution of {measure}, {pair}: {half:g}")


def _require_new_worlds(experiment, former):
    earlier = [former["worlds"], *(one["worlds"] for one in former["history"])]
    first, end = experiment.worlds
    for block in earlier:
        if block is not None and first < block[1] and block[0] < end:
            raise running.Refused(
                f"{experiment.identifier}: the declaration changed, expected a new block of "
                f"worlds, got {first}:{end} after {block[0]}:{block[1]}"
            )


def _replicate(options):
    replicating.block_of(options.worlds)
    found = {}
    for experiment in registry.choose(options.identifiers, options.folder):
        if experiment.is_real or records.read(experiment.identifier, options.results) is None:
            continue
        found[experiment.identifier] = replicating.replicate(
            experiment,
            options.worlds,
            folder=options.folder,
            results=options.results,
            build=options.build,
            num_workers=options.workers,
        )
    for line in replicating.lines(found):
        print(line)
    return 0


def _replay(options):
    from experiments import replaying

    outcome = replaying.replay(
        options.folder,
        options.results,
        full=options.full or options.confirm,
        every_cell=options.confirm,
        say=lambda line: print(line, flush=True),
    )
    for line in outcome.skipped:
        print(line, file=sys.stderr)
    if options.confirm:
        for line in replaying.confirm(outcome.confirmed, options.results):
            print(line)
    print(f"{outcome.prefixes} prefixes and {outcome.cells} cells replayed, {outcome.left} left")
    for line in outcome.problems:
        print(line, file=sys.stderr)
    return 1 if outcome.problems else 0


def _ledger(options):
    from bookmaker.evidence import render

    print(render(options.results), end="")
    return 0


def _check(options):
    found = problems_of_records(options.folder, options.results)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def _present(options):
    """The chosen experiments whose data are there; a line for each of the others."""
    for experiment in registry.choose(options.identifiers, options.folder):
        lacking = missing(experiment.data)
        if lacking is None:
            yield experiment
        else:
            print(f"{experiment.identifier}: left out, {lacking}", file=sys.stderr)


def _parser():
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    parser.add_argument("--folder", type=Path, default=registry.FOLDER, help="of the declarations")
    parser.add_argument("--results", type=Path, default=records.RESULTS, help="of the records")
    parser.add_argument("--build", type=Path, default=BUILD, help="where runs keep what is done")
    parser.add_argument("--workers", type=int, default=NUM_WORKERS, help="processes")
    commands = parser.add_subparsers(required=True, metavar="command")

    several = argparse.ArgumentParser(add_help=False)
    several.add_argument("identifiers", nargs="*", help="experiments or chapters; default: all")

    command = commands.add_parser(
        "plan", parents=[several], help="measure ten cells and print what all will cost"
    )
    command.set_defaults(run=_plan)
    command = commands.add_parser(
        "tune", parents=[several], help="run the trials alone, and say what margins are worth"
    )
    command.set_defaults(run=_tune)
    command = commands.add_parser(
        "run", parents=[several], help="measure and record what is declared and not yet recorded"
    )
    command.set_defaults(run=_run)
    command = commands.add_parser("refresh", help="run a whole experiment again, same worlds")
    command.add_argument("identifier")
    command.add_argument("--reason", required=True, help="one sentence, kept in the record")
    command.set_defaults(run=_refresh)
    command = commands.add_parser(
        "replicate", parents=[several], help="measure the findings on worlds nobody has seen"
    )
    command.add_argument("--worlds", required=True, help="a block of ten, such as 1000:1010")
    command.set_defaults(run=_replicate)
    command = commands.add_parser("replay", help="does today's code give what is recorded?")
    command.add_argument("--full", action="store_true", help="all prefixes")
    command.add_argument(
        "--confirm",
        action="store_true",
        help="note changed code whose numbers agree: all prefixes, and one whole cell of each arm",
    )
    command.set_defaults(run=_replay)
    command = commands.add_parser("ledger", help="print the ledger of findings")
    command.set_defaults(run=_ledger)
    command = commands.add_parser("check", help="are the records those of the declarations?")
    command.set_defaults(run=_check)
    return parser


if __name__ == "__main__":
    sys.exit(main())
