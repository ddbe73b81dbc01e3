"""Train one model of the book on your data, and save model, scores and predictions.

    recsys train data.toml --model mmoe --output runs/mmoe
    recsys train data.toml --model din --tasks click --option attention_units=32,16
    recsys train data.toml --model mmoe --option interest=attention \\
        --balancing uncertainty --output runs/din_mmoe --export exports/din_mmoe

All models of the book can be trained; the description names what a model needs (a history, a
scenario, several labels). Everything is checked before a row is read. The output folder gets

    model.keras         the best epoch's weights, for recsys_lib.training.load
    description.json    columns, encoders and vocabularies, for recsys_pipeline.files.encoders_from
    scores.json         scores of validation, test and slices, and their provenance
    predictions.csv     the test rows, their labels and predictions
    history.csv         losses and scores of each epoch

and with --export the model is written into another folder, to be served. A run that was killed goes
on when the same command is given again. If there are several workers (``--workers 2`` on this
machine, or a cluster's under ``TF_CONFIG``), the first writes both folders.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from recsys_lib import zoo
from recsys_lib.locks import locked
from recsys_pipeline.files import command as files_command
from recsys_pipeline.workers.launch import launch

if TYPE_CHECKING:
    from recsys_pipeline.train.planning import Plan

SECONDS_TO_READ = 24 * 3600.0
"""How long a worker waits for another worker to read the files."""


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    given = _parser().parse_args(arguments)
    try:
        if "TF_CONFIG" in os.environ:  # before the plan builds a model
            from recsys_pipeline.workers.distributed import join_workers

            join_workers()
        plan, workers = _planned(given)
        if workers > 1 and "TF_CONFIG" not in os.environ:
            return launch([sys.executable, "-m", "recsys_pipeline", "train", *arguments], workers)
        _run(given, plan, workers)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _planned(given: argparse.Namespace) -> tuple["Plan", int]:
    """The plan, and the number of workers; all that can be checked without data is checked."""
    from recsys_pipeline.train import planning, settings

    read = planning.read_options
    description = files_command.described(given)
    planning.check_output(given.output)
    if given.export is not None:
        planning.check_export(given.export, given.output)
    elif given.calibrate:
        raise ValueError("calibrate: expected --export beside it, got none")
    plateau, weights = given.reduce_on_plateau, given.loss_weights
    plan = planning.make_plan(
        description,
        given.model,
        tasks=given.tasks,
        options=read(given.option),
        epochs=given.epochs,
        batch_size=given.batch_size,
        seed=given.seed_of_model,
        patience=given.patience,
        optimizer=given.optimizer,
        optimizer_options=read(given.optimizer_option),
        learning_rate=given.learning_rate,
        learning_rate_decay=given.learning_rate_decay,
        reduce_on_plateau=None if plateau is None else settings.read_plateau(plateau),
        loss_weights=None if weights is None else settings.read_weights(weights),
        balancing=given.balancing,
        balancing_options=read(given.balancing_option),
    )
    named = None
    if "TF_CONFIG" in os.environ:
        from recsys_pipeline.workers.distributed import workers_named

        named = workers_named()
    return plan, settings.check_workers(given.workers, given.batch_size, named)


def _run(given: argparse.Namespace, plan: "Plan", workers: int) -> None:
    from recsys_pipeline.train.running import report, train
    from recsys_pipeline.workers.distributed import is_chief, join_workers

    with _one_after_the_other(files_command.cache_of(given) if workers > 1 else None):
        dataset = files_command.load(given)
    with join_workers().scope():
        is_first = is_chief()
    if is_first:
        print(files_command.report(dataset), end="\n\n", flush=True)
    scores = train(
        plan,
        dataset,
        given.output,
        predictions=given.predictions,
        export=given.export,
        calibrate=given.calibrate,
    )
    if is_first:
        print(report(scores))
        if given.export is not None:
            print(f"exported to {given.export}; recsys serve {given.export}")


def _one_after_the_other(cache: str | Path | None) -> contextlib.AbstractContextManager[None]:
    """If there are several workers, one writes the cache of the data and the others read it."""
    if cache is None:
        return contextlib.nullcontext()
    Path(cache).parent.mkdir(parents=True, exist_ok=True)
    return locked(f"{cache}.lock", seconds=SECONDS_TO_READ)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recsys train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files_command.add_arguments(parser)
    parser.add_argument(
        "--model", required=True, help=f"one of {', '.join(model.key for model in zoo.MODELS)}"
    )
    parser.add_argument(
        "--output", required=True, metavar="FOLDER", help="folder for model, scores and predictions"
    )
    parser.add_argument(
        "--tasks",
        type=lambda text: tuple(text.split(",")),
        metavar="A,B",
        help="labels that the model predicts, in this order; default: all, if it takes several",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the model's builder, such as hidden_units=64,32; may be repeated",
    )
    parser.add_argument("--epochs", type=int, default=10, help="at most; default: 10")
    parser.add_argument(
        "--batch-size", type=int, default=1024, help="rows, of all workers; default: 1024"
    )
    parser.add_argument("--patience", type=int, default=2, help="epochs without improvement; 2")
    parser.add_argument("--seed", dest="seed_of_model", type=int, default=0, help="default: 0")
    _add_settings(parser)
    parser.add_argument(
        "--predictions", choices=("csv", "parquet", "none"), default="csv", help="default: csv"
    )
    parser.add_argument(
        "--export",
        metavar="FOLDER",
        help="also write a folder for `recsys serve`, which does not exist yet",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="the export answers with calibrated probabilities: of each binary task by Platt's "
        "line, fitted on the validation rows",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of processes on this machine that share every batch. Under a "
        "TF_CONFIG the command is a worker of that cluster and starts none. default: 1",
    )
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    training = parser.add_argument_group("optimizer and weights of the tasks")
    training.add_argument(
        "--optimizer",
        default="adam",
        metavar="NAME",
        help="adam, adagrad, or ftrl, whose tables start at zero (--option "
        "embeddings_initializer=zeros); default: adam",
    )
    training.add_argument(
        "--optimizer-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="such as epsilon=1e-8, clipnorm=1 or l1_regularization_strength=0.1; may be repeated",
    )
    training.add_argument("--learning-rate", type=float, default=1e-3, help="default: 0.001")
    training.add_argument(
        "--learning-rate-decay",
        type=float,
        metavar="FACTOR",
        help="factor on the rate after each epoch, such as 0.9; default: none",
    )
    training.add_argument(
        "--reduce-on-plateau",
        metavar="FACTOR,PATIENCE,LOWEST",
        help="cut the rate by the factor after so many epochs without improvement (1), never below "
        "this share of it (0); fewer epochs than --patience; such as 0.1 or 0.5,1,0.01",
    )
    training.add_argument(
        "--loss-weights",
        metavar="A=1,B=0.5",
        help="weights of the tasks' losses; default: 1 each",
    )
    training.add_argument(
        "--balancing",
        metavar="NAME",
        help="learn the weights while training, instead of --loss-weights: uncertainty "
        "(Kendall et al. 2018), gradnorm (Chen et al. 2018), pareto (weights of the shortest "
        "common gradient: Sener and Koltun 2018, Lin et al. 2019), decay (Tang et al. 2020)",
    )
    training.add_argument(
        "--balancing-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="such as alpha=0.5 (gradnorm), lower_bounds=0.1 (pareto), learning_rate=0.05 "
        "(uncertainty) or \"decay={'click': 0.9}\"; may be repeated",
    )
