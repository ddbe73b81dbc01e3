"""``make bench``: print the benchmark table, section by section, as it is measured.

First it says how long each section is expected to take, and last how long all took.

Every line that compares gives a ratio of two measurements of this run. The goals beside them are
the project's own for two cores; nothing here passes or fails.
"""

import argparse
import functools
import os
import sys
import time

from benchmarks import (
    crosses,
    larger_than_memory,
    lessons,
    long_histories,
    multi_scenario,
    multi_task,
    objectives,
    peer,
    peers,
    requests,
    seeds,
    sequences,
    serving,
    vocabulary,
    workers,
)
from benchmarks.process import ONEDNN, BenchmarkError
from recsys_lib.zoo import find

SECTIONS = {
    "vocabulary": vocabulary,
    "seeds": seeds,
    "models": crosses,
    "sequences": sequences,
    "long_histories": long_histories,
    "multi_task": multi_task,
    "objectives": objectives,
    "multi_scenario": multi_scenario,
    "requests": requests,
    "serving": serving,
    "larger_than_memory": larger_than_memory,
    "peers": peers,
    "workers": workers,
    "lessons": lessons,
}
"""Module of each section: its ``print_section`` measures and prints."""

MINUTES = {
    "vocabulary": 5,
    "seeds": 1,
    "models": 5,
    "sequences": 9,
    "long_histories": 1,
    "multi_task": 1,
    "objectives": 1,
    "multi_scenario": 1,
    "requests": 1,
    "serving": 1,
    "larger_than_memory": 2,
    "peers": 13,
    "workers": 5,
    "lessons": 20,
}
"""Of a run on two cores, rounded up; ``peers`` with all models that the peer has.

Each section says how long it took: put that here after a run of all.
"""


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sections", nargs="*", help=f"default: all of {', '.join(SECTIONS)}")
    group = parser.add_argument_group("section peers")
    group.add_argument(
        "--models",
        type=lambda text: text.split(","),
        metavar="A,B",
        help="keys of the zoo; default: all that the peer has",
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
    printers["peers"] = functools.partial(peers.print_section, options.peer, models, options.onednn)
    printers["larger_than_memory"] = functools.partial(
        larger_than_memory.print_section, options.rows, not options.apart
    )
    minutes = {name: MINUTES[name] for name in chosen}
    if models and "peers" in minutes:
        minutes["peers"] *= len(models) / len(peer.MODELS)
    return _print_all({name: printers[name] for name in chosen}, minutes)


def _print_all(printers, minutes):
    """Print the sections one after the other; returns the exit status.

    Args:
        printers: dict of section to the function that measures and prints.
        minutes: dict of section to how long it takes about.
    """
    sys.stdout.reconfigure(line_buffering=True)  # into a file, too, as it goes
    about = "about {:.0f} min".format
    each = ", ".join(f"{name} {number:.0f}" for name, number in minutes.items())
    print(f"{about(sum(minutes.values()))} on two idle cores ({each}); {os.cpu_count()} cores here")
    failed, started = [], time.monotonic()
    for number, (name, printer) in enumerate(printers.items(), 1):
        print(f"\n[{number} of {len(printers)}] {name}, {about(minutes[name])}")
        start = time.monotonic()
        try:
            printer()
        except BenchmarkError as error:
            failed.append(name)
            print(f"{name}: not measured: {error}")
        print(f"{name}: {(time.monotonic() - start) / 60:.1f} min")
    total = (time.monotonic() - started) / 60
    print(f"\n{len(printers) - len(failed)} of {len(printers)} sections in {total:.1f} min")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
