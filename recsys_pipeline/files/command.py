"""Options of the commands that read data, and the report that they print."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys_pipeline.files.description import FORMATS

if TYPE_CHECKING:
    from recsys_pipeline.files import FileDataset

OPTIONS = (
    *("format", "label", "numeric", "ignore", "group", "gap", "header", "separator"),
    "field_starts",
    *("time", "time_unit", "split", "ratios", "seed", "valid_from", "test_from", "slices"),
    *("min_count", "threshold"),
)
"""Options of ``files.load`` that the commands have."""


def parser_of(command: str, text: str | None) -> argparse.ArgumentParser:
    """A parser for one command of ``recsys``; its help shows the text as it is."""
    shown = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(f"recsys {command}", None, text, formatter_class=shown)


def add_arguments(parser: argparse.ArgumentParser, are_needed: bool = True) -> None:
    """Add the options of ``files.load`` to an ``argparse`` parser."""
    parser.add_argument(
        "paths",
        nargs="+" if are_needed else "*",
        metavar="FILE",
        help="a description, data.toml; or one file or pattern, which is cut by --split and "
        "--ratios; or three: train valid test",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="default: by the file's name; libsvm reads libfm files too",
    )
    parser.add_argument("--label", type=names, help="columns of labels: a,b; default: label")
    parser.add_argument("--numeric", type=names, default=(), help="columns of numbers: a,b or 2-14")
    parser.add_argument(
        "--ignore", type=names, default=(), help="columns to leave out: a,b or 2-14"
    )
    parser.add_argument(
        "--group",
        type=names,
        metavar="A,B",
        help="column that GAUC ranks within, usually the user; with further columns or --gap: "
        "within pages, rows of one user and of one value of each; or a described group's name",
    )
    parser.add_argument("--gap", help="longest pause within a page; default: 30min")
    parser.add_argument(
        "--no-header",
        dest="header",
        action="store_false",
        default=None,
        help="CSV: line 1 is a row; columns are called column_1, column_2, ...",
    )
    parser.add_argument("--separator", type=_unescaped, help="CSV: default: comma, in .tsv tab")
    parser.add_argument(
        "--field-starts",
        type=_integers,
        metavar="ID,ID",
        help="libsvm: smallest id of each field; default: fields by their order on the line",
    )
    parser.add_argument("--time", help="column of the moment of each row")
    parser.add_argument("--time-unit", choices=("s", "ms", "us", "ns", "any"), help="default: s")
    parser.add_argument(
        "--split",
        choices=("random", "order", "ordered", "time", "user"),
        help="default: by time where there is one, else random; user: each group's latest rows",
    )
    parser.add_argument("--ratios", type=_numbers, metavar="A,B,C", help="default: 0.8,0.1,0.1")
    parser.add_argument("--split-seed", dest="seed", type=int, metavar="N", help="default: 0")
    parser.add_argument("--valid-from", metavar="DATE", help="by time: first moment of validation")
    parser.add_argument("--test-from", metavar="DATE", help="by time: first moment of the test")
    parser.add_argument("--slices", type=names, default=(), help="columns whose values are scored")
    parser.add_argument(
        "--min-count", type=int, help="fewest training rows of a value that gets an id"
    )
    parser.add_argument("--threshold", type=float, help="labels of this or more are positive")
    parser.add_argument(
        "--cache", metavar="FOLDER", help="where encoded data are kept; default: beside data.toml"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="read the files, and keep no encoded data"
    )


def add_arguments_of_describe(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``files.suggest`` to an ``argparse`` parser."""
    parser.add_argument("paths", nargs="+", metavar="FILE", help="one file, or train valid test")
    parser.add_argument("--output", type=Path, metavar="TOML", help="default: print it")
    parser.add_argument("--format", choices=FORMATS, help="default: by the file's name")
    parser.add_argument("--label", type=names, default=(), help="columns of labels: a,b")
    parser.add_argument("--time", help="column of the moment of each row")
    parser.add_argument("--group", help="column that GAUC ranks within, usually the user")
    parser.add_argument(
        "--no-header", dest="header", action="store_false", help="CSV: line 1 is a row"
    )
    parser.add_argument("--separator", type=_unescaped, help="CSV: default: comma, in .tsv tab")


def described(arguments: argparse.Namespace) -> Any:
    """The checked description that the parsed options give; no row is read.

    Raises:
        ValueError: see ``files.load``.
    """
    from recsys_pipeline.files.loading import described

    paths = arguments.paths[0] if len(arguments.paths) == 1 else arguments.paths
    return described(paths, {name: getattr(arguments, name) for name in OPTIONS})


def load(arguments: argparse.Namespace) -> "FileDataset":
    """The data set that the parsed options name.

    Raises:
        ValueError: see ``files.load``.
    """
    from recsys_pipeline.files.loading import load_described

    return load_described(described(arguments), cache_of(arguments))


def within(arguments: argparse.Namespace) -> str | None:
    """The name of the group that --group and --gap ask for; None: the first, of the user."""
    from recsys_pipeline.files.options import is_page

    columns = arguments.group or ()
    if is_page(columns, arguments.gap):
        return "page"
    return next((name for name in columns if name in described(arguments).groups), None)


def cache_of(arguments: argparse.Namespace) -> str | Path | None:
    """The folder for the encoded data, or None."""
    first = Path(arguments.paths[0])
    if arguments.no_cache or (arguments.cache is None and first.suffix.lower() != ".toml"):
        return None
    return arguments.cache or first.with_suffix(".cache")


def report(dataset: "FileDataset") -> str:
    """A few lines about a data set that ``files.load`` returned."""
    from recsys_pipeline import files

    table = files.describe(dataset)
    tasks = dataset.tasks or {}
    about = [f"{task}_{'rate' if kind == 'binary' else 'mean'}" for task, kind in tasks.items()]
    width = max(12, *(len(name) + 2 for name in about))
    headings = "".join(f"{name.replace('_', ' '):>{width}}" for name in about)
    lines = [dataset.name, f"{'':10}{'rows':>12}{headings}"]
    for split_name, row in table.iterrows():
        values = "".join(f"{row[name]:>{width}.4f}" for name in about)
        lines.append(f"{split_name:10}{row['rows']:>12,.0f}{values}")
    lines += [
        f"{task}: {int(table[f'{task}_rows'].sum()):,} rows have it"
        for task in tasks
        if f"{task}_rows" in table
    ]
    lines.append(f"\n{'column':24}{'group':>10}{'known ids':>12}{'unknown: valid':>16}{'test':>10}")
    for column in dataset.feature_columns:
        start = f"{column.name:24}{column.group:>10}"
        if not hasattr(column, "vocabulary_size"):
            lines.append(f"{start}{'number':>12}")
            continue
        line = f"{start}{column.vocabulary_size - 1:>12,}"
        if f"unknown_{column.name}" in table:
            shares = table[f"unknown_{column.name}"]
            line += f"{shares['valid']:>16.2%}{shares['test']:>10.2%}"
        if hasattr(column, "max_length"):
            line += f"  up to {column.max_length} ids"
        lines.append(line)
    for name, group in dict(list(dataset.test.groups.items())[1:]).items():
        count = len(set(group.tolist()))
        lines.append(f"{name}: {count:,} in the test rows, of {len(group) / count:.1f} rows each")
    for table_file in dataset.description.get("tables", ()):
        shares = dataset.unknown[table_file["file"]]
        told = ", ".join(f"{share:.2%} of {name}" for name, share in shares.items())
        lines.append(f"{table_file['file']}: no row for the {table_file['column']} of {told}")
    lines += [f"left out: {name} ({reason})" for name, reason in dataset.left_out.items()]
    lines += [f"look at {warning}" for warning in dataset.warnings]
    return "\n".join(lines)


def names(text: str) -> tuple[str, ...]:
    """The names of a list such as ``a,b``."""
    return tuple(name for name in text.split(",") if name)


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _unescaped(text: str) -> str:
    return "\t" if text == "\\t" else text
