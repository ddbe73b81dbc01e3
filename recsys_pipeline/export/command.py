"""``recsys export`` and ``recsys verify``: write a trained model as a folder, and check it."""

import argparse
from pathlib import Path

from recsys_pipeline.files import command


def export(words: list[str]) -> int:
    """``recsys export``: write what ``recsys train`` left as a folder; returns the exit status.

    The data define how raw values are read, and contain the request that ``verify`` replays. So
    they are read with the same options as in training.
    """
    parser = argparse.ArgumentParser(
        prog="recsys export",
        description="Write a trained model as a folder that is served: its graphs, how raw values "
        "are read, and a request with its scores. Give the data as in training.",
    )
    command.add_arguments(parser)
    parser.add_argument(
        "--run", required=True, metavar="FOLDER", help="folder that `recsys train` wrote"
    )
    parser.add_argument(
        "--output", required=True, metavar="FOLDER", help="folder to write; must not exist yet"
    )
    given = parser.parse_args(words)
    path = Path(given.run, "model.keras")
    if not path.is_file():
        raise ValueError(f"--run: expected a folder with model.keras in it, got {given.run}")
    from recsys_lib.training import load
    from recsys_pipeline.export.folders import check_target
    from recsys_pipeline.export.folders import export as write

    check_target(given.output)
    folder = write(load(path), given.output, command.load(given))
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
        help="requests that `recsys serve --log` wrote (.jsonl), or rows as training read them",
    )
    given = parser.parse_args(words)
    from recsys_pipeline.export import verifying

    print(verifying.verify(given.folder, given.engine), flush=True)
    if given.log is not None:
        print(verifying.verify_log(given.folder, given.log, given.engine))
    return 0
