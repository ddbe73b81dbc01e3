"""``recsys``: from a log to a service, one command a step.

    recsys describe log.csv --output data.toml     write a first description of the files
    recsys check data.toml                         print rows, labels, ids, and warnings
    recsys train data.toml --model din ...         train one model, score and save it
    recsys leaderboard data.toml ...               compare many models on the same rows
    recsys export --run R --output E               write a trained model as a folder to serve
    recsys verify FOLDER --log FILE --run R        replay an export's golden request, and a log
    recsys serve FOLDER                            answer requests over HTTP

``recsys COMMAND --help`` names the options. ``python -m recsys_pipeline`` is the same command.
"""

import importlib
import sys

from recsys_pipeline import INSTALL

COMMANDS = {
    "describe": "recsys_pipeline.files.describe_command:describe",
    "check": "recsys_pipeline.files.describe_command:check",
    "train": "recsys_pipeline.train.command:main",
    "leaderboard": "recsys_pipeline.leaderboard.command:main",
    "export": "recsys_pipeline.export.command:export",
    "verify": "recsys_pipeline.export.command:verify",
    "serve": "recsys_pipeline.serve.command:main",
}
"""The module and function of each command; they are imported when the command is called."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command's name and its arguments; None: those of this process.

    Returns:
        Its exit status: 0, 1 for bad input, 2 for a wrong call.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if words else 2
    if words[0] not in COMMANDS:
        known = ", ".join(COMMANDS)
        print(f"recsys: expected one of {known}, got {words[0]!r}", file=sys.stderr)
        return 2
    module, name = COMMANDS[words[0]].split(":")
    try:
        return getattr(importlib.import_module(module), name)(words[1:])
    except ModuleNotFoundError as error:
        if str(error.name).startswith("recsys_"):
            raise
        print(
            f"recsys {words[0]}: expected the package {error.name}, found none; {INSTALL} brings "
            "all that it needs",
            file=sys.stderr,
        )
        return 1
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
