"""Compare models on your data: which is best, and which cannot be told from it.

    recsys leaderboard train.csv valid.csv test.csv --group user --folder board
    recsys leaderboard log.csv --time seconds --group user,tab --gap 30min --folder board

The models are those of the zoo whose needs the data meet. Each trains until the validation score
has not risen for --patience epochs and keeps the best epoch's weights, as papers report it. The
test split is scored once per seed. Before the first training the command estimates how long all
runs take, from a few steps. With --folder it keeps every run, model and prediction, goes on after a
kill where it was, and writes the table as Markdown and HTML, figures, and the provenance.

A recipe states models, their options and their training. It is a TOML file of yours, or the name of
one that comes with the package:

    recsys leaderboard train.libsvm valid.libsvm test.libsvm --recipe frappe

--option sets an option of a builder, for one model or for all that have it:

    --option "DCN-V2.rank=16" --option embedding_l2=1e-5 --option "Wide & Deep.cross_pairs=()"
"""

import argparse
import functools
import pathlib

from recsys_lib.checks import check_integer, check_number
from recsys_pipeline.files import command as files_command
from recsys_pipeline.train.command import add_settings, read_settings
from recsys_pipeline.train.models import plain_models

OPTIONS = ("task", "folder", "output", "margin", "rank_by", "keep_models", "only_estimate")
"""Options of the command that are those of ``run``."""


def main(words: list[str]) -> int:
    """``recsys leaderboard``: compare models on files; returns the exit status."""
    given = _parser().parse_args(words)
    # Everything that needs no data is checked before any are read.
    if given.seeds is not None:
        check_integer("seeds", given.seeds)
    check_number("margin", given.margin, 0, exclude=(0,))
    recipe, settings = read_settings(given)
    from recsys_pipeline.train.planning import make_plan

    plan = make_plan(recipe, given.models, seeds=given.seeds, given=settings)
    from recsys_pipeline.leaderboard.board import run
    from recsys_pipeline.leaderboard.report import as_text, provenance_of, write_report
    from recsys_pipeline.leaderboard.store import check_folder

    if given.folder is not None:
        check_folder(given.folder)
    if given.output is not None:
        check_folder(pathlib.Path(given.output).parent)
    dataset = files_command.load(given)
    show = functools.partial(print, flush=True)
    show(files_command.report(dataset), end="\n\n")
    if recipe is not None:
        show(f"recipe {recipe.name}: {recipe.title}")
    board = run(
        dataset,
        plan,
        show=show,
        group=files_command.within(given),
        **{name: getattr(given, name) for name in OPTIONS},
    )
    if board is None:
        return 0
    show(as_text(board))
    if given.folder is not None:
        paths = write_report(board, provenance_of(dataset, board, recipe), given.folder)
        show(f"\nwritten: {', '.join(path.name for path in paths)}, in {given.folder}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = files_command.parser_of("leaderboard", __doc__)
    add = parser.add_argument
    files_command.add_arguments(parser)
    known = ", ".join(f"{model.key} ({name})" for name, model in plain_models().items())
    add(
        "--models",
        type=files_command.names,
        metavar="A,B",
        help="names or keys, of models or of a recipe's entries; default: all that fit the data: "
        f"{known}, and those of chapters 04 to 06 where there are histories, labels and scenarios",
    )
    add("--task", help="the binary label that is scored; default: the first")
    add("--seeds", type=int, help="number of runs of each model; default: 3")
    add("--margin", type=float, default=1e-3, help="smallest difference that counts; 0.001")
    add("--rank-by", choices=("auc", "gauc"), help="default: GAUC where users are known")
    add("--output", metavar="CSV", help="file for the scores of every run")
    add("--folder", help="for runs, models, predictions and pages; a killed command goes on there")
    add("--no-models", action="store_false", dest="keep_models", help="keep no trained models")
    add("--estimate", action="store_true", dest="only_estimate", help="print the times, and stop")
    add_settings(parser)
    return parser
