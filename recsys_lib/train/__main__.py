"""Train one model of the book on data of yours, and keep all that it left.

    python -m recsys_lib.train data.toml --model mmoe --output runs/mmoe
    python -m recsys_lib.train data.toml --model din --tasks click --option attention_units=32,16

Models of all chapters: whatever one needs (a history, a scenario, several labels), the description
says. Everything is checked before a row is read. The output folder gets

    model.keras         the best epoch's weights, for recsys_lib.training.load
    description.json    columns, encoders and vocabularies, for recsys_lib.data.files.encoders_from
    scores.json         scores of validation, test and slices, and how they came about
    predictions.csv     the test rows, their labels and what the model says of them
    history.csv         what each epoch did

A run that was killed goes on where it was when the same command is given again. Of several workers
(``--workers 2`` on this machine, or a cluster's under ``TF_CONFIG``) the first writes the folder.
"""

import argparse
import os
import sys

from recsys_lib import zoo
from recsys_lib.data import files_command
from recsys_lib.training.launch import launch


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    given = _parser().parse_args(arguments)
    try:
        if given.workers > 1 and "TF_CONFIG" not in os.environ:
            return launch([sys.executable, "-m", "recsys_lib.train", *arguments], given.workers)
        _run(given)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(given: argparse.Namespace) -> None:
    if "TF_CONFIG" in os.environ:  # before the plan builds a model to try it
        from recsys_lib.training.distributed import join_workers

        join_workers()
    description = files_command.described(given)
    from recsys_lib.train.planning import check_output, make_plan, read_options

    check_output(given.output)
    plan = make_plan(
        description,
        given.model,
        tasks=given.tasks,
        options=read_options(given.option),
        learning_rate=given.learning_rate,
        epochs=given.epochs,
        batch_size=given.batch_size,
        patience=given.patience,
        seed=given.seed_of_model,
        loss_weights=given.loss_weights,
    )
    from recsys_lib.train.running import report, train
    from recsys_lib.training.distributed import is_chief, join_workers

    strategy = join_workers()
    dataset = files_command.load(given)
    with strategy.scope():
        if is_chief():
            print(files_command.report(dataset), end="\n\n", flush=True)
        scores = train(plan, dataset, given.output, predictions=given.predictions)
        if is_chief():
            print(report(scores))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recsys_lib.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files_command.add_arguments(parser)
    parser.add_argument(
        "--model", required=True, help=f"one of {', '.join(model.key for model in zoo.MODELS)}"
    )
    parser.add_argument("--output", required=True, metavar="FOLDER", help="for all that it leaves")
    parser.add_argument(
        "--tasks",
        type=lambda text: tuple(text.split(",")),
        metavar="A,B",
        help="labels that the model predicts, in this order; default: all, where it takes several",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the model's builder, such as hidden_units=64,32; may be repeated",
    )
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="of Adam; 0.001")
    parser.add_argument("--epochs", type=int, default=10, help="at most; default: 10")
    parser.add_argument("--batch-size", type=int, default=1024, help="default: 1024")
    parser.add_argument("--patience", type=int, default=2, help="epochs without improvement; 2")
    parser.add_argument("--seed", dest="seed_of_model", type=int, default=0, help="default: 0")
    parser.add_argument(
        "--workers", type=int, default=1, help="processes that share every batch; default: 1"
    )
    parser.add_argument(
        "--loss-weights",
        type=_weights,
        metavar="A=1,B=0.5",
        help="weights of the tasks' losses; default: 1 each",
    )
    parser.add_argument(
        "--predictions", choices=("csv", "parquet", "none"), default="csv", help="default: csv"
    )
    return parser


def _weights(text: str) -> dict[str, float]:
    pairs = (part.partition("=") for part in text.split(","))
    return {task: float(weight) for task, _, weight in pairs}


if __name__ == "__main__":
    sys.exit(main())
