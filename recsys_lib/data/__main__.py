"""What is in a data set of yours, before a model sees it.

    python -m recsys_lib.data describe FILE [VALID TEST] [--output data.toml]
    python -m recsys_lib.data data.toml
    python -m recsys_lib.data FILE [VALID TEST] [options]

The first looks at files and writes a first description, data.toml, to be read and corrected. The
others read the data and say how many rows, labels and ids there are, what later rows hold that
training never saw, and what should be looked at.
"""

import argparse
import sys
from pathlib import Path

from recsys_lib.data import files_command

DESCRIBE = "describe"


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        return _describe(words[1:]) if words[:1] == [DESCRIBE] else _report(words)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser(command: str = "") -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"python -m recsys_lib.data{command}",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _report(words: list[str]) -> int:
    parser = _parser()
    files_command.add_arguments(parser)
    print(files_command.report(files_command.load(parser.parse_args(words))))
    return 0


def _describe(words: list[str]) -> int:
    parser = _parser(f" {DESCRIBE}")
    files_command.add_arguments_of_describe(parser)
    given = parser.parse_args(words)
    output = None if given.output is None else Path(given.output)
    if output is not None and output.exists():
        raise ValueError(f"{output}: is there already; give another --output")
    from recsys_lib.data import files

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
        print(f"{output}: read it, correct it, then: python -m recsys_lib.data {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
