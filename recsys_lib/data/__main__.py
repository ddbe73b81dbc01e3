"""``python -m recsys_lib.data FILE [VALID TEST]``: read a file of categorical fields, show it."""

import argparse
import sys

from recsys_lib.data import files_command


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m recsys_lib.data", description=__doc__)
    files_command.add_arguments(parser)
    try:
        dataset = files_command.load(parser.parse_args(arguments))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(files_command.report(dataset))
    return 0


if __name__ == "__main__":
    sys.exit(main())
