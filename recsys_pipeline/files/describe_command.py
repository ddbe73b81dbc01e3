"""``recsys describe`` and ``recsys check``: look at a data set before you train on it.

    recsys describe FILE [VALID TEST] [--output data.toml]
    recsys check data.toml
    recsys check FILE [VALID TEST] [options]

``describe`` looks at files and writes a first description, data.toml, for you to read and correct.
``check`` reads the data and prints how many rows, labels and ids they have, how many ids of later
rows are unknown in training, and warnings.
"""

import re

from recsys_pipeline.files import command

IGNORED = re.compile(r'^\[columns\.(.+)\]\nkind = "ignore" +# (.+)$', re.MULTILINE)
"""A column of ``suggest`` that is no feature, and the reason."""

REMARK = re.compile(r"^# (look at .+)$", re.MULTILINE)
"""What ``suggest`` doubts."""


def check(words: list[str]) -> int:
    """``recsys check``: read the data and print a report; returns the exit status."""
    parser = command.parser_of("check", __doc__)
    command.add_arguments(parser)
    print(command.report(command.load(parser.parse_args(words))))
    return 0


def describe(words: list[str]) -> int:
    """``recsys describe``: write a first description; returns the exit status."""
    parser = command.parser_of("describe", __doc__)
    command.add_arguments_of_describe(parser)
    given = vars(parser.parse_args(words))
    output = given.pop("output")
    if output is not None and output.exists():
        raise ValueError(
            f"{output}: expected a new file, got one that exists; give another --output"
        )
    from recsys_pipeline import files

    text = files.suggest(**given, folder="." if output is None else output.parent)
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
        for name, reason in IGNORED.findall(text):
            print(f"left out: {name} ({reason})")
        for remark in REMARK.findall(text):
            print(remark)
        print(f"{output}: read it, correct it, then: recsys check {output}")
    return 0
