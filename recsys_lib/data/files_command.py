"""Options of the commands that read a file, and what they print about it."""

from recsys_lib.data import files
from recsys_lib.data.file_formats import FORMATS


def add_arguments(parser):
    """Add the options of ``files.load`` to an ``argparse`` parser."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="FILE",
        help="one file, which is cut by --ratios, or three: train valid test",
    )
    parser.add_argument(
        "--format",
        choices=sorted(set(FORMATS.values())),
        help="default: by the file's name; libsvm reads libfm files too",
    )
    parser.add_argument("--label", help="CSV: the label's column; default: label")
    parser.add_argument("--numeric", type=_names, default=(), help="CSV: columns of numbers: a,b")
    parser.add_argument("--ignore", type=_names, default=(), help="CSV: columns to leave out: a,b")
    parser.add_argument("--group", help="column that GAUC ranks within, usually the user")
    parser.add_argument(
        "--no-header",
        action="store_true",
        help="CSV: line 1 is a row; columns are called column_1, column_2, ...",
    )
    parser.add_argument("--separator", help="CSV: default: comma, in .tsv files tab")
    parser.add_argument(
        "--field-starts",
        type=_integers,
        metavar="ID,ID",
        help="libsvm: smallest id of each field; default: fields by their order on the line",
    )
    parser.add_argument(
        "--ratios", type=_numbers, default=(0.8, 0.1, 0.1), metavar="A,B,C", help="0.8,0.1,0.1"
    )
    parser.add_argument("--split", choices=("random", "ordered"), default="random")
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument(
        "--min-count", type=int, default=1, help="training rows that make a value an id"
    )
    parser.add_argument("--threshold", type=float, help="labels of this or more are positive")


def load(arguments):
    """The data set that the parsed options name.

    Raises:
        ValueError: see ``files.load``.
    """
    separator = "\t" if arguments.separator == "\\t" else arguments.separator
    return files.load(
        arguments.paths,
        format=arguments.format,
        label=arguments.label,
        numeric=arguments.numeric,
        ignore=arguments.ignore,
        group=arguments.group,
        header=not arguments.no_header,
        separator=separator,
        field_starts=arguments.field_starts,
        ratios=arguments.ratios,
        split=arguments.split,
        seed=arguments.split_seed,
        min_count=arguments.min_count,
        threshold=arguments.threshold,
    )


def report(dataset):
    """A few lines about a data set that ``files.load`` returned."""
    table = files.describe(dataset)
    lines = [f"{dataset.name}", f"{'':10}{'rows':>12}{'click rate':>12}"]
    for split_name, row in table.iterrows():
        lines.append(f"{split_name:10}{row['rows']:>12,.0f}{row['click_rate']:>12.4f}")
    lines.append(f"\n{'column':24}{'known ids':>12}{'unknown: valid':>16}{'test':>10}")
    for column in dataset.feature_columns:
        if column.name in dataset.vocabularies:
            shares = table[f"unknown_{column.name}"]
            known = f"{column.vocabulary_size - 1:,}"
            lines.append(
                f"{column.name:24}{known:>12}{shares['valid']:>16.2%}{shares['test']:>10.2%}"
            )
        else:
            lines.append(f"{column.name:24}{'number':>12}")
    lines += [f"left out: {name} ({reason})" for name, reason in dataset.left_out.items()]
    return "\n".join(lines)


def _names(text):
    return tuple(name for name in text.split(",") if name)


def _integers(text):
    return tuple(int(part) for part in text.split(","))


def _numbers(text):
    return tuple(float(part) for part in text.split(","))
