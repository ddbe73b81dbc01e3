"""Compare models on your data: which is best, and which cannot be told from it.

    recsys leaderboard train.csv valid.csv test.csv --group user --folder board

The models are those of the zoo whose needs the data meet. Each trains until the validation AUC has
not risen for --patience epochs and keeps the best epoch's weights, as papers report it. The test
split is scored once per seed. Before the first training the command estimates how long all runs
take, from a few steps. With --folder it keeps every run, model and prediction, goes on after a kill
where it was, and writes the table as Markdown and HTML, figures, and the provenance.

A recipe states models, their options and their training. It is a TOML file of yours, or the name of
one that comes with the library:

    recsys leaderboard train.libsvm valid.libsvm test.libsvm --recipe frappe

--option sets an option of a builder, for one model or for all that have it:

    --option "DCN-V2.rank=16" --option embedding_l2=1e-5 --option "Wide & Deep.cross_pairs=()"
"""

import argparse
import functools
import pathlib
import sys
from typing import Any

from recsys_pipeline.files import command as files_command
from recsys_pipeline.leaderboard.entries import models
from recsys_pipeline.leaderboard.recipe_files import read_recipe, shipped
from recsys_pipeline.leaderboard.settings import DEFAULTS, read_option


def main(arguments: list[str] | None = None) -> int:
    """The command.

    Args:
        arguments: those after the command's name; None: those of this process.

    Returns:
        Its exit status.
    """
    given = _parser().parse_args(arguments)
    try:
        return _main(given)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _main(given: argparse.Namespace) -> int:
    # Everything that needs no data is checked before any are read.
    _check(given)
    recipe = None if given.recipe is None else read_recipe(given.recipe)
    options = [read_option(text) for text in given.option]
    from recsys_pipeline.leaderboard.planning import make_plan

    fit = {name: getattr(given, name) for name in DEFAULTS}
    shared = {name: getattr(given, name) for name in ("embedding_dim", "hidden_units")}
    shared["dropout_rate"] = given.dropout_rate
    plan = make_plan(
        recipe,
        given.models,
        seeds=given.seeds,
        fit={name: value for name, value in fit.items() if value is not None},
        shared={name: value for name, value in shared.items() if value is not None},
        given=options,
    )
    from recsys_pipeline.leaderboard.board import run
    from recsys_pipeline.leaderboard.provenance import provenance_of
    from recsys_pipeline.leaderboard.report import as_text, write_report
    from recsys_pipeline.leaderboard.store import check_folder

    if given.folder is not None:
        check_folder(pathlib.Path(given.folder))
    if given.output is not None:
        check_folder(pathlib.Path(given.output).absolute().parent)
    dataset = files_command.load(given)
    show = functools.partial(print, flush=True)
    show(files_command.report(dataset), end="\n\n")
    settings = {**plan.fit, **plan.fit_given}
    show(
        f"{_trained(settings)}, seeds {plan.seeds}"
        + (f"; recipe {recipe.name}: {recipe.title}" if recipe else "")
    )
    board = run(
        dataset,
        plan,
        task=given.task,
        folder=given.folder,
        output=given.output,
        margin=given.margin,
        keep_models=not given.no_models,
        only_estimate=given.estimate,
        show=show,
    )
    if board is None:
        return 0
    show(as_text(board))
    if given.folder is not None:
        said: dict[str, Any] = {"margin": board.margin, "drawn": f"{board.num_units} {board.unit}"}
        provenance = provenance_of(dataset, plan, recipe, said)
        paths = write_report(board, plan, provenance, given.folder)
        show(f"\nwritten: {', '.join(path.name for path in paths)}, in {given.folder}")
    return 0


def _trained(settings: dict[str, Any]) -> str:
    optimizer = settings.get("optimizer", "Adam")
    name = optimizer if isinstance(optimizer, str) else optimizer["name"]
    return (
        f"{name} at {settings['learning_rate']:g}, batch {settings['batch_size']}, at most "
        f"{settings['epochs']} epochs, patience {settings['patience']}"
    )


def _check(given: argparse.Namespace) -> None:
    if given.seeds is not None and given.seeds < 1:
        raise ValueError(f"seeds: expected an integer of 1 or more, got {given.seeds}")
    if not given.margin > 0:
        raise ValueError(f"margin: expected above 0, got {given.margin}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recsys leaderboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files_command.add_arguments(parser)
    parser.add_argument(
        "--recipe", metavar="FILE", help=f"a TOML file, or one of {', '.join(shipped())}"
    )
    parser.add_argument(
        "--models",
        type=lambda text: tuple(name.strip() for name in text.split(",")),
        metavar="A,B",
        help="names or keys, of models or of a recipe's entries; default: all that fit the data: "
        + ", ".join(f"{model.key} ({name})" for name, model in models().items())
        + ", and those of chapters 04 to 06 where there are histories, labels and scenarios",
    )
    parser.add_argument("--task", help="the binary label that is scored; default: the first")
    parser.add_argument("--seeds", type=int, help="number of runs of each model; default: 3")
    parser.add_argument("--epochs", type=int, help="at most; default: 30")
    parser.add_argument("--patience", type=int, help="epochs without improvement; default: 2")
    parser.add_argument("--batch-size", type=int, help="default: 1024")
    parser.add_argument("--learning-rate", type=float, help="default: 0.001")
    parser.add_argument("--embedding-dim", type=int, help="default: 16")
    parser.add_argument(
        "--hidden-units",
        type=lambda text: tuple(map(int, text.split(","))),
        metavar="N,N",
        help="default: 64,32",
    )
    parser.add_argument("--dropout-rate", type=float, help="default: 0")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="MODEL.NAME=VALUE",
        help="an option of a builder or of the training; without MODEL, of all that have it; "
        "may be repeated",
    )
    parser.add_argument(
        "--margin",
        type=float,
        default=1e-3,
        help="smallest difference of AUC that counts; default: 0.001",
    )
    parser.add_argument("--output", metavar="CSV", help="file for the scores of every run")
    parser.add_argument(
        "--folder",
        help="for runs, models, predictions and pages; a killed command goes on from it",
    )
    parser.add_argument("--no-models", action="store_true", help="do not keep trained models")
    parser.add_argument(
        "--estimate", action="store_true", help="print how long it would take, and stop"
    )
    return parser
