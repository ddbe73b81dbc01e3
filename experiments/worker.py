"""A process that measures cells: jobs come in as lines of JSON, entries of the log go out.

    python -m experiments.worker        started by ``experiments.running``, twice

It ends when its input ends, also when whoever started it was killed.
"""

import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from experiments import registry
from experiments.arms import as_options
from experiments.declaration import Experiment

SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS")


def processor() -> str:
    """The name of this machine's processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def switches() -> str:
    """What of the environment decides the last digits of a cell."""
    return " ".join(f"{name}={os.environ.get(name, '')}" for name in SWITCHES)


def entries(experiment: Experiment, unit: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Do one unit of work.

    Args:
        experiment: the declaration.
        unit: ``kind`` and what belongs to it, as ``experiments.running`` writes it.

    Yields:
        Entries of the log, each as soon as it is measured; ``seconds`` are those of the processor,
        which others that use the machine do not lengthen.
    """
    started = time.process_time()
    for key, value in _measured(experiment, unit):
        now = time.process_time()
        yield {
            "key": key,
            "value": value,
            "seconds": round(now - started, 3),
            "processor": processor(),
            "switches": switches(),
        }
        started = now


def _measured(experiment: Experiment, unit: dict[str, Any]) -> Iterator[tuple[list[Any], Any]]:
    from experiments import cells, prefixes, tuning

    kind, point = unit["kind"], unit.get("point")
    if kind == "bounds":
        yield ["bounds", point, unit["world"]], cells.bounds(experiment, point, unit["world"])
    elif kind == "tune":
        arm, trial = experiment.arm(unit["arm"]), unit["trial"]
        options = tuning.trials(arm)[trial]
        for world, initialisation in unit["runs"]:
            shown = cells.for_tuning(cells.dataset_of(experiment, point, world))
            parts = cells.scenario_parts(shown)
            seed = cells.seed_of(world, initialisation)
            rows = cells.run_arm(experiment, arm, options, shown, seed, parts)
            value = {"score": cells.trial_score(shown, rows), "rows": rows}
            yield ["tune", arm.name, trial, point, world, initialisation], value
    elif kind == "cells":
        for name, initialisation in unit["cells"]:
            arm, choice = experiment.arm(name), as_options(unit["choices"][name])
            kept = unit.get("predictions", {}).get(f"{name}/{initialisation}")
            predictions = None if kept is None else Path(kept)
            found = cells.measure(
                experiment, arm, choice, point, unit["world"], initialisation, predictions
            )
            yield ["cell", name, point, unit["world"], initialisation], found
    elif kind == "prefix":
        arm = experiment.arm(unit["arm"])
        choice = as_options(unit["choice"])
        yield ["prefix", arm.name, unit["world"]], prefixes.prefix(experiment, arm, choice)
    else:
        raise ValueError(f"unit: expected a known kind, got {kind!r}")


def serve(jobs: TextIO, answers: TextIO, parent: int) -> None:
    """Answer jobs until there are no more.

    Args:
        jobs: lines ``{"folder", "identifier", "sha256", "unit"}``.
        answers: an entry per line, and after each job ``{"done": true}`` or ``{"error": text}``.
        parent: process that started this one; when it is gone, so is whoever would read.
    """
    known: dict[tuple[str, str], Experiment] = {}

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    for line in jobs:
        job = json.loads(line)
        try:
            name = (job["folder"], job["identifier"])
            if name not in known:
                known[name] = registry.load(job["identifier"], Path(job["folder"]))
            experiment = known[name]
            if experiment.sha256() != job["sha256"]:
                raise ValueError(f"{job['identifier']}: the declaration changed during the run")
            for entry in entries(experiment, job["unit"]):
                say(entry)
                if os.getppid() != parent:
                    return
            say({"done": True})
        except BrokenPipeError:
            return
        except Exception as error:  # whoever asked is told, and decides
            where = traceback.format_exc().strip()
            say({"error": f"{type(error).__name__}: {error}", "traceback": where})


def main() -> None:
    """Serve standard input, and keep whatever libraries print away from the answers."""
    parent = os.getppid()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        serve(sys.stdin, answers, parent)
        answers.close()
    except BrokenPipeError:  # nobody reads any more
        os._exit(1)


if __name__ == "__main__":
    main()
