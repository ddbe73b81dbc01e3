"""``recsys export`` and ``recsys verify``: write a trained model as a folder, and check it."""

import argparse
from pathlib import Path

from recsys_pipeline.files import command


def export(words: list[str]) -> int:
    """``recsys export``: write what ``recsys train`` left as a folder; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="recsys export",
        description="Write a trained model as a folder that is served: its graphs, how raw values "
        "are read, and a request with its scores. All of it is the run's. Data that are given are "
        "compared with it: rows, their order and parts may be others, and nothing else.",
    )
    command.add_arguments(parser, are_needed=False)
    parser.add_argument(
        "--run", required=True, metavar="FOLDER", help="folder that `recsys train` wrote"
    )
    parser.add_argument(
        "--output", required=True, metavar="FOLDER", help="folder to write; must not exist yet"
    )
    given = parser.parse_args(words)
    from recsys_pipeline.export import runs

    run = runs.read_run(given.run, given.paths)
    if given.paths or any(getattr(given, name) not in (None, ()) for name in command.OPTIONS):
        runs.check_data(run, command.described(given))
    from recsys_lib.training import load
    from recsys_pipeline.export.folders import check_target
    from recsys_pipeline.export.folders import export as write

    check_target(given.output)
    folder = write(load(Path(given.run, runs.MODEL)), given.output, run)
    print(f"exported to {folder}; recsys serve {folder}")
    return 0


def verify(words: list[str]) -> int:
    """``recsys verify``: replay an export's golden request, and a log; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="recsys verify",
        description="Replay an export's golden request, without this library, and compare scores; "
        "and replay a log, and compare what training and service read of its rows.",
    )
    parser.add_argument(
        "folder", help="folder that `recsys export` or `recsys train --export` wrote"
    )
    parser.add_argument(
        "--engine", choices=("onnx", "tensorflow"), help="default: the one that is installed"
    )
    parser.add_argument(
        "--log",
        metavar="FILE",
        action="append",
        help="requests that `recsys serve --log` wrote (.jsonl), or rows as training read them; "
        "may be repeated, for several files of one log in the order of training",
    )
    parser.add_argument(
        "--run",
        metavar="FOLDER",
        help="folder that `recsys train` wrote: its test rows are taken from the --log that it "
        "read, and the export's scores compared with its predictions",
    )
    given = parser.parse_args(words)
    if given.run is not None and given.log is None:
        raise ValueError("--run: expected --log beside it, got none")
    from recsys_pipeline.export import verifying

    print(verifying.verify(given.folder, given.engine), flush=True)
    if given.log is not None:
        print(verifying.verify_log(given.folder, given.log, given.engine, given.run))
    return 0
