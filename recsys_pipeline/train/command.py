"""Train one model of the book on your data, and save model, scores and predictions.

    recsys train data.toml --model mmoe --output runs/mmoe
    recsys train data.toml --model din --tasks click --option attention_units=32,16
    recsys train data.toml --model mmoe --option interest=attention \\
        --balancing uncertainty --output runs/din_mmoe --export exports/din_mmoe
    recsys train train.libsvm valid.libsvm test.libsvm --recipe frappe --model fibinet \\
        --output runs/fibinet --export exports/fibinet

All models of the book can be trained; the description names what a model needs (a history, a
scenario, several labels). With --recipe a model trains as the leaderboard of that recipe trains it,
with the same scores. Everything is checked before a row is read. The output folder gets

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
import os
import sys
from typing import Any

from recsys_lib.checks import check_integer
from recsys_pipeline.files import command as files_command
from recsys_pipeline.train.models import every_model
from recsys_pipeline.train.recipe_files import read_recipe, shipped
from recsys_pipeline.train.settings import FIELDS, Training, read_option
from recsys_pipeline.workers.launch import (
    add_more_workers,
    launch,
    one_after_the_other,
    workers_asked,
)


def main(words: list[str]) -> int:
    """``recsys train``: train one model on files; returns the exit status."""
    given = _parser().parse_args(words)
    if "TF_CONFIG" in os.environ:  # before the plan builds a model
        from recsys_pipeline.workers.distributed import join_workers

        join_workers()
    planned, workers = _planned(given)
    if workers > 1 and "TF_CONFIG" not in os.environ:
        return launch([sys.executable, "-m", "recsys_pipeline", "train", *words], workers)
    _run(given, planned, workers)
    return 0


def _planned(given: argparse.Namespace) -> tuple[tuple[Any, dict[str, str]], int]:
    """The line and its tasks, and the number of workers; no row is read."""
    from recsys_pipeline.train import planning, running

    recipe, settings = read_settings(given)
    description = files_command.described(given)
    running.check_folders(given.output, given.export)
    if given.calibrate and given.export is None:
        raise ValueError("calibrate: expected --export beside it, got none")
    check_integer("seed", given.seed_of_model, 0)
    plan = planning.make_plan(recipe, [given.model], given=settings)
    (line,) = plan.lines()[0]
    if len(line.trials()) > 1:
        raise ValueError(
            f"{line.name}: expected one value each, got the grid {dict(line.grid)}; choose with "
            "--option"
        )
    labels = {task: label.kind for task, label in description.labels.items()}
    tasks = planning.tasks_of(line.model, labels, given.tasks)
    planning.check_with(line, tasks, description)
    return (line, tasks), workers_asked(given.workers, line.training.batch_size, given.more_workers)


def _run(given: argparse.Namespace, planned: tuple[Any, dict[str, str]], workers: int) -> None:
    from recsys_pipeline.train.running import report, train
    from recsys_pipeline.workers.distributed import is_chief, join_workers

    with one_after_the_other(files_command.cache_of(given) if workers > 1 else None):
        dataset = files_command.load(given)
    with join_workers().scope():
        is_first = is_chief()
    if is_first:
        print(files_command.report(dataset), end="\n\n", flush=True)
    scores = train(
        planned[0],
        dataset,
        given.output,
        tasks=planned[1],
        seed=given.seed_of_model,
        predictions=given.predictions,
        export=given.export,
        calibrate=given.calibrate,
        group=files_command.within(given),
    )
    if is_first:
        print(report(scores))
        if given.export is not None:
            print(f"exported to {given.export}; recsys serve {given.export}")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the recipe, the fields of ``Training`` and ``--option`` to a parser."""
    group = parser.add_argument_group("how models are built and trained")
    group.add_argument(
        "--recipe", metavar="FILE", help=f"a TOML file, or one of {', '.join(shipped())}"
    )
    for name, field in Training.model_fields.items():
        default = field.default["name"] if isinstance(field.default, dict) else field.default
        default = "" if default is None else f"; default: {default}"
        text = f"{field.description or 'of the optimizer'}{default}".replace("%", "%%")
        group.add_argument(f"--{name.replace('_', '-')}", dest=f"fit_{name}", help=text)
    group.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of a builder, such as hidden_units=64,32, or 'embedding_l2={strength=0.05, "
        'rows="table"}\'; MODEL.NAME=VALUE is of one model alone; may be repeated',
    )


def read_settings(given: argparse.Namespace) -> tuple[Any, list[tuple[str | None, str, Any]]]:
    """The recipe, or None, and what the command line says, for ``make_plan``.

    The users, within whom GAUC ranks, are those of --group, of the recipe, or of the only column
    that is described as a user.
    """
    recipe = None if given.recipe is None else read_recipe(given.recipe)
    if recipe is not None and recipe.group is not None:
        given.group = given.group or (recipe.group,)
    said = files_command.described(given)
    # A random split of rows that have a time would be refused where a group is given.
    is_random = said.time and said.split and said.split.by == "random"
    if not (given.group or said.group or is_random):
        users = [name for name, one in said.columns.items() if one.get("group") == "user"]
        given.group = tuple(users) if len(users) == 1 else None
    fields = {name: getattr(given, f"fit_{name}") for name in FIELDS}
    texts = [f"{name}={text}" for name, text in fields.items() if text is not None]
    return recipe, [read_option(text) for text in (*texts, *given.option)]


def _parser() -> argparse.ArgumentParser:
    parser = files_command.parser_of("train", __doc__)
    add = parser.add_argument
    files_command.add_arguments(parser)
    keys = ", ".join(model.key for model in every_model().values())
    add("--model", required=True, help=f"one of {keys}, or a recipe's entry")
    add("--output", required=True, metavar="FOLDER", help="for model, scores and predictions")
    add(
        "--tasks",
        type=files_command.names,
        metavar="A,B",
        help="labels that the model predicts, in this order; default: all, if it takes several",
    )
    add("--seed", dest="seed_of_model", type=int, default=0, help="default: 0")
    add("--predictions", choices=("csv", "parquet", "none"), default="csv", help="default: csv")
    add("--export", metavar="FOLDER", help="also write a new folder for `recsys serve`")
    add(
        "--calibrate",
        action="store_true",
        help="the export answers with calibrated probabilities: of each binary task by Platt's "
        "line, fitted on the validation rows",
    )
    add(
        "--workers",
        type=int,
        metavar="N",
        help="number of processes on this machine that share every batch. Under a "
        "TF_CONFIG the command is a worker of that cluster and starts none. default: 1",
    )
    add_more_workers(parser)
    add_settings(parser)
    return parser
