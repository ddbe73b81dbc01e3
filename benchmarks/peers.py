"""Models of the zoo beside a peer's, DeepCTR, in one interleaved run.

Each side trains in a process of its own on the same rows; rounds alternate: now, peer, now, peer.
Each model has ten rounds, five in each of two pairs of processes, since a process may be lucky.
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from benchmarks import exchange, inputs, peer
from benchmarks.process import CONDITIONS, ONEDNN, conditions
from benchmarks.worker import MARK
from recsys_lib.features.columns import NumericColumn
from recsys_lib.zoo import find

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROCESSES, ROUNDS = 2, 5
GOAL = 1.1
"""Least ratio of the best rounds."""
SIDES = ("now", "peer")


class Side:
    """A process that trains one side's models; see ``benchmarks.worker``."""

    def __init__(self, module, arguments, path, environment):
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(path)},
            cwd=tempfile.gettempdir(),
        )

    def ask(self, **request):
        """Send a request and wait for the answer, a dict; ``reason`` where there is none."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(MARK):
                return json.loads(line.removeprefix(MARK))
        self._errors.seek(0)
        lines = self._errors.read().decode().strip().splitlines()
        return {"reason": lines[-1][:100] if lines else "the process ended"}

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def measure_model(sides, key, num_rounds=ROUNDS):
    """Build a model on each side and train it in turns.

    Args:
        sides: dict of name to ``Side``.
        key: of the zoo.
        num_rounds: rounds of each side.

    Returns:
        Dict of side to its answer to ``build``, with ``speeds`` added where there is a model.
    """
    found = {name: side.ask(do="build", key=key) for name, side in sides.items()}
    there = [name for name, answer in found.items() if "epochs" in answer]
    for name in there:
        found[name]["speeds"] = []
    for _ in range(num_rounds):
        for name in there:
            answer = sides[name].ask(do="round", key=key, epochs=found[name]["epochs"])
            if "reason" in answer:
                found[name] = answer
                return found
            found[name]["speeds"].append(answer["examples_per_second"])
    for name in there:
        sides[name].ask(do="drop", key=key)
    return found


def merge(runs):
    """Answers of several pairs of processes as one: all rounds, in order."""
    merged = {}
    for name in runs[0]:
        answers = [run[name] for run in runs]
        without = [answer for answer in answers if "speeds" not in answer]
        merged[name] = without[0] if without else dict(answers[0])
        if not without:
            merged[name]["speeds"] = [speed for answer in answers for speed in answer["speeds"]]
    return merged


def ratios(found):
    """Ratio of the best rounds, and median of the ratios of the pairs, of now to the peer.

    Returns:
        Two numbers, or None where one of the sides has no model.
    """
    now, then = (found.get(name, {}).get("speeds") for name in SIDES)
    if not now or not then:
        return None
    pairs = [a / b for a, b in zip(now, then, strict=True)]
    return max(now) / max(then), statistics.median(pairs)


def line(model, found, how):
    """The table's line of a model; ``how`` it was measured, see ``process.conditions``."""
    text = f"{model.name:28}"
    for name in SIDES:
        speeds = found.get(name, {}).get("speeds")
        text += f"{max(speeds):>12,.0f}" if speeds else f"{'-':>12}"
    ratio = ratios(found)
    text += "".join(f"{r:>8.2f}" for r in ratio) if ratio else f"{'-':>8}{'-':>8}"
    return text + how + "".join(f"   {note}" for note in notes(found))


def notes(found):
    """What a reader of a model's line has to know: a missed goal, a skipped side, other sizes."""
    ratio = ratios(found)
    if ratio and ratio[0] < GOAL:
        yield f"under the goal of {GOAL}"
    for name, answer in found.items():
        if "reason" in answer:
            yield f"{name}: {answer['reason']}"
        elif answer["parameters"] != found["now"].get("parameters", answer["parameters"]):
            yield f"{name}: {answer['parameters']:,} parameters, now {found['now']['parameters']:,}"


def peer_path(folder):
    """Where the peer's process looks for packages, or the reason why there is no peer.

    Args:
        folder: that it was installed into, or None: this environment.

    Returns:
        A list of folders and None, or None and a reason.
    """
    path = [str(ROOT), *([str(pathlib.Path(folder).resolve())] if folder else [])]
    code = "import deepctr, tf_keras"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "TF_USE_LEGACY_KERAS": "1"},
        cwd=tempfile.gettempdir(),
    )
    if result.returncode:
        return None, f"DeepCTR: {result.stderr.strip().splitlines()[-1]}"
    return path, None


def print_section(folder=None, models=None, onednn="off"):
    """Measure and print the table, a kind of data after the other.

    Args:
        folder: with DeepCTR and tf-keras; None: this environment.
        models: keys; default: all that the peer has.
        onednn: ``"off"`` or ``"on"``, for both sides.
    """
    chosen = [find(key) for key in models or peer.MODELS]
    path, reason = peer_path(folder)
    if reason:
        print(f"no peer: {reason}")
        return
    print("\nTraining here and by DeepCTR, Adam, warm;")
    print(f"each {PROCESSES} x {ROUNDS} rounds in turn; ratios of the best and the median of pairs")
    print(f"{'':28}{'examples/s, best round':>24}{'to DeepCTR':>16}")
    print(f"{'':28}{'now':>12}{'DeepCTR':>12}{'best':>8}{'median':>8}{CONDITIONS}")
    for kind in inputs.HAS:
        wanted = [model for model in chosen if inputs.kind_of(model) == kind]
        if wanted:
            how = conditions(inputs.BATCH_SIZE, f"oneDNN {onednn}")
            _print_kind(kind, wanted, path, ONEDNN[onednn], how)
    print(f"goal: at least {GOAL} (best)")


def _print_kind(kind, models, path, environment, how):
    runs = {model.key: [] for model in models}
    with tempfile.TemporaryDirectory() as folder:
        rows = os.path.join(folder, f"{kind}.npz")
        exchange.write(_ids_alone(inputs.LOADERS[kind]()), rows)
        for process in range(PROCESSES):
            legacy = {**environment, "TF_USE_LEGACY_KERAS": "1"}
            sides = {
                "now": Side("benchmarks.worker", (rows,), [str(ROOT)], environment),
                "peer": Side("benchmarks.peer", (rows,), path, legacy),
            }
            for model in models:
                runs[model.key].append(measure_model(sides, model.key))
                if process == PROCESSES - 1:
                    print(line(model, merge(runs[model.key]), how), flush=True)
            for side in sides.values():
                side.close()


def _ids_alone(dataset):
    """Without columns of numbers, which are fields here and enter the network alone at the peer."""
    columns = [c.name for c in dataset.feature_columns if not isinstance(c, NumericColumn)]
    return dataset.with_columns(columns)
