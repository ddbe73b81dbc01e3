"""``recsys``: from a log to a service, one command a step.

    recsys describe log.csv --output data.toml     what is in the files, as a first description
    recsys check data.toml                         rows, labels, ids, and what should be looked at
    recsys train data.toml --model din ...         train one model, score it, keep all it left
    recsys leaderboard data.toml ...               many models on the same rows, with intervals
    recsys export data.toml --run R --output E     a trained model as a folder that is served
    recsys verify FOLDER                           replay an export's golden request
    recsys serve FOLDER                            answer requests over HTTP

``recsys COMMAND --help`` names the options. ``python -m recsys_pipeline`` is the same command.
"""

import importlib
import sys

COMMANDS = {
    "describe": "recsys_pipeline.files.describe_command:describe",
    "check": "recsys_pipeline.files.describe_command:check",
    "train": "recsys_pipeline.train.command:main",
    "leaderboard": "recsys_pipeline.leaderboard.command:main",
    "export": "recsys_pipeline.export.command:export",
    "verify": "recsys_pipeline.export.command:verify",
    "serve": "recsys_pipeline.serve.command:main",
}
"""Where each command is; it is imported when it is called, so that ``--help`` waits for none."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command's name and what follows it; None: those of this process.

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
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
