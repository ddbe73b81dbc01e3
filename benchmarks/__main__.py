"""``make bench``: print the benchmark table, section by section.

Every line that compares gives a ratio of two measurements of this run. The goals beside them are
the project's own for two cores; nothing here passes or fails.
"""

import argparse
import functools

from benchmarks import (
    crosses,
    former,
    larger_than_memory,
    lessons,
    long_histories,
    multi_scenario,
    multi_task,
    requests,
    seeds,
    sequences,
    vocabulary,
    workers,
)
from benchmarks.process import ONEDNN
from recsys_lib.zoo import find

SECTIONS = {
    "vocabulary": vocabulary,
    "seeds": seeds,
    "models": crosses,
    "sequences": sequences,
    "long_histories": long_histories,
    "multi_task": multi_task,
    "multi_scenario": multi_scenario,
    "requests": requests,
    "larger_than_memory": larger_than_memory,
    "former": former,
    "workers": workers,
    "lessons": lessons,
}
"""Module of each section: its ``print_section`` measures and prints."""


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sections", nargs="*", help=f"default: all of {', '.join(SECTIONS)}")
    group = parser.add_argument_group("section former")
    group.add_argument(
        "--revision", default=former.REVISION, help="commit or tag of the former selves"
    )
    group.add_argument(
        "--models",
        type=lambda text: text.split(","),
        metavar="A,B",
        help="keys of the zoo; default: all models",
    )
    group.add_argument(
        "--peer",
        metavar="FOLDER",
        help="where pip install --no-deps --target FOLDER deepctr tf-keras put them; default: here",
    )
    group.add_argument("--onednn", choices=list(ONEDNN), default="off", help="default: off")
    group = parser.add_argument_group("section larger_than_memory")
    group.add_argument(
        "--rows", type=int, metavar="N", help="training rows; default: a million, the goal's are 20"
    )
    group.add_argument(
        "--apart", action="store_true", help="each way in a process of its own, one epoch, no turns"
    )
    options = parser.parse_args(arguments)
    chosen = options.sections or list(SECTIONS)
    unknown = sorted(set(chosen) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {unknown}; there are {', '.join(SECTIONS)}")
    try:
        models = options.models and [find(name).key for name in options.models]
    except ValueError as error:
        parser.error(str(error))
    printers = {name: section.print_section for name, section in SECTIONS.items()}
    printers["former"] = functools.partial(
        former.print_section, options.revision, options.peer, models, options.onednn
    )
    printers["larger_than_memory"] = functools.partial(
        larger_than_memory.print_section, options.rows, not options.apart
    )
    for name in chosen:
        printers[name]()


if __name__ == "__main__":
    main()
