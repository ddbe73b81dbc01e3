"""What is in a data set of yours, before a model sees it.

    recsys describe FILE [VALID TEST] [--output data.toml]
    recsys check data.toml
    recsys check FILE [VALID TEST] [options]

The first looks at files and writes a first description, data.toml, to be read and corrected. The
others read the data and say how many rows, labels and ids there are, what later rows hold that
training never saw, and what should be looked at.
"""

import argparse
from pathlib import Path

from recsys_pipeline.files import command


def _parser(name: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"recsys {name}",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def check(words: list[str]) -> int:
    """``recsys check``: read the data and report on them; returns the exit status."""
    parser = _parser("check")
    command.add_arguments(parser)
    print(command.report(command.load(parser.parse_args(words))))
    return 0


def describe(words: list[str]) -> int:
    """``recsys describe``: write a first description; returns the exit status."""
    parser = _parser("describe")
    command.add_arguments_of_describe(parser)
    given = parser.parse_args(words)
    output = None if given.output is None else Path(given.output)
    if output is not None and output.exists():
        raise ValueError(f"{output}: is there already; give another --output")
    from recsys_pipeline import files

    text = files.suggest(
        given.paths,
        format=given.format,
        header=given.header,
        separator=given.separator,
        label=given.label,
        time=given.time,
        group=given.group,
        folder=Path() if output is None else output.parent,
    )
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
        print(f"{output}: read it, correct it, then: recsys check {output}")
    return 0
