"""Runs an exported model: raw values to ids, ids to scores, scores to probabilities.

It needs NumPy, and onnxruntime or TensorFlow, and not the library that exported the model. The
library puts this file into every export as ``verify.py`` and serves with it.

    python verify.py                               replay the golden request of this folder
    python verify.py FOLDER FOLDER --engine tensorflow
"""

import argparse
import hashlib
import importlib.metadata
import json
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from recsys_pipeline.export.reading import Encoder

DESCRIPTION, GOLDEN, SAVED_MODEL = "description.json", "golden.json", "saved_model"
ROWS, REQUEST = "rows", "request"
SIGNATURES = (ROWS, REQUEST)
ENGINES = ("onnx", "tensorflow")


class Different(ValueError):
    """An export that has changed since it was written."""


def digest(path: pathlib.Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_of(description: Mapping[str, Any]) -> str:
    """SHA-256 of a description without its own checksum; it covers the digests of all files."""
    rest = {name: value for name, value in description.items() if name != "checksum"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def calibrate(
    scores: Mapping[str, np.ndarray], steps: Iterable[Mapping[str, Any]]
) -> dict[str, np.ndarray]:
    """Apply the calibration steps of a description, one after the other, to a model's scores.

    Args:
        scores: dict of task to ``(rows,)``.
        steps: dicts with ``kind`` and the numbers of that kind.

    Returns:
        Dict of task to ``(rows,)`` float64.
    """
    found = {task: np.asarray(values, np.float64) for task, values in scores.items()}
    for step in steps:
        p = found[step["task"]]
        if step["kind"] == "sampling":
            factor = 1 / (p + (1 - p) / step["share"])
            for task in step["following"]:
                found[task] = np.where(p > 0, found[task] * factor, 0.0)
            found[step["task"]] = p * factor
        elif step["kind"] == "platt":
            with np.errstate(divide="ignore"):
                logit = np.log(p) - np.log1p(-p)
            # The sigmoid by the hyperbolic tangent, which does not overflow.
            found[step["task"]] = 0.5 + 0.5 * np.tanh(
                (step["slope"] * logit + step["intercept"]) / 2
            )
        else:
            found[step["task"]] = np.interp(p, step["inputs"], step["outputs"])
    return found


def _onnx(folder: pathlib.Path, threads: int) -> dict[str, Callable[..., Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3

    def runner(name):
        session = onnxruntime.InferenceSession(
            folder / f"{name}.onnx", options, providers=["CPUExecutionProvider"]
        )
        read = {one.name for one in session.get_inputs()}
        tasks = [one.name for one in session.get_outputs()]

        def run(features):
            given = {name: values for name, values in features.items() if name in read}
            return dict(zip(tasks, session.run(tasks, given), strict=True))

        return run

    return {name: runner(name) for name in SIGNATURES}


def _tensorflow(folder: pathlib.Path, threads: int) -> dict[str, Callable[..., Any]]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / SAVED_MODEL))

    def runner(name):
        function = loaded.signatures[name]

        def run(features):
            given = {name: tf.constant(values) for name, values in features.items()}
            return {task: values.numpy() for task, values in function(**given).items()}

        run.keeps = loaded  # the model's variables live as long as the model
        return run

    return {name: runner(name) for name in SIGNATURES}


class Replay:
    """An exported model, ready to answer requests with raw values.

    Args:
        folder: what ``export`` wrote.
        engine: ``"onnx"``, which needs onnxruntime, or ``"tensorflow"``.
        threads: most threads for one request, with onnxruntime; 0: all cores.

    Raises:
        Different: not an export, or one whose files have changed.
    """

    def __init__(self, folder: Any, engine: str = "onnx", threads: int = 1):
        folder = pathlib.Path(folder)
        self.description = read_description(folder)
        self.golden = json.loads((folder / GOLDEN).read_text(encoding="utf-8"))
        self.tasks = tuple(self.description["tasks"])
        self.encode = Encoder(self.description)
        self.run = {"onnx": _onnx, "tensorflow": _tensorflow}[engine](folder, threads)

    def scores(self, user: Mapping[str, Any], candidates: Mapping[str, Any]) -> dict[str, Any]:
        """The model's scores of encoded candidates, by task, calibrated."""
        found = self.run[REQUEST]({**user, **candidates})
        return calibrate({task: found[task] for task in self.tasks}, self.calibration)

    @property
    def calibration(self) -> list[dict[str, Any]]:
        """The calibration steps from the model's scores to the answer."""
        return self.description["calibration"]

    def verify(self) -> dict[str, float]:
        """Replay the golden request.

        Returns:
            The largest difference of a score, by signature.

        Raises:
            Different: an encoding or a score differs from that at the time of the export.
        """
        golden, tolerance = self.golden, self.description["tolerance"]
        user, candidates = self.encode(golden["request"], golden["candidates"])
        for name, values in {**user, **candidates}.items():
            expected = np.asarray(golden["features"][name], values.dtype)
            if not np.array_equal(values, expected):
                raise Different(f"golden request, {name!r}: expected {expected}, got {values}")
        count = len(next(iter(candidates.values())))
        tiled = {name: np.repeat(values, count, 0) for name, values in user.items()}
        one = {name: values[:1] for name, values in candidates.items()}
        runs = {
            ROWS: (self.run[ROWS]({**tiled, **candidates}), count),
            REQUEST: (self.run[REQUEST]({**user, **candidates}), count),
            f"{REQUEST} of one": (self.run[REQUEST]({**user, **one}), 1),
        }
        report: dict[str, float] = {}
        for name, (found, rows) in runs.items():
            for task in self.tasks:
                expected = np.asarray(golden["scores"][task][:rows])
                apart = difference(found[task], expected)
                if not apart <= tolerance:
                    raise Different(
                        f"golden request, {name}, {task!r}: {worst(found[task], expected)}"
                    )
                report[name] = max(report.get(name, 0.0), apart)
        scores = {task: np.asarray(golden["scores"][task]) for task in self.tasks}
        for task, found in calibrate(scores, self.calibration).items():
            expected = np.asarray(golden["answers"][task])
            if not difference(found, expected) <= 1e-9:
                raise Different(f"calibration of {task!r}: {worst(found, expected)}")
        return report


def read_description(folder: Any) -> dict[str, Any]:
    """An export's description, checked against its files.

    Raises:
        Different: a file is missing or has changed, or the description cannot be read.
    """
    folder = pathlib.Path(folder)
    path = folder / DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        files, checksum = description["files"], description["checksum"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Different(f"{path}: expected the description of an export, got {error!r}") from None
    if checksum != checksum_of(description):
        raise Different(f"{path}: expected the checksum {checksum_of(description)}, got {checksum}")
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise Different(f"{folder / name}: no such file")
        if digest(folder / name) != expected:
            raise Different(f"{folder / name}: expected the file that was exported, got another")
    return description


def difference(found: Any, expected: Any) -> float:
    """The largest difference of two arrays: absolute for numbers up to 1, else relative."""
    apart = np.abs(np.asarray(found, np.float64) - expected) / np.maximum(1.0, np.abs(expected))
    return float(np.max(apart, initial=0.0)) if apart.shape == expected.shape else np.inf


def worst(found: Any, expected: Any) -> str:
    """Where two arrays differ most, in words."""
    found = np.asarray(found, np.float64)
    if found.shape != expected.shape:
        return f"expected the shape {expected.shape}, got {found.shape}"
    row = int(np.argmax(np.nan_to_num(np.abs(found - expected), nan=np.inf)))
    return f"candidate {row}: expected {expected[row]:.7g}, got {found[row]:.7g}"


def installed() -> Iterator[str]:
    """The engines that are installed, the smaller one first."""
    packages = {"onnx": ("onnxruntime",), "tensorflow": ("tensorflow", "tensorflow-cpu")}
    for engine, names in packages.items():
        for name in names:
            try:
                importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                continue
            yield engine
            break


def main(arguments: list[str] | None = None) -> int:
    """Verify exports and print a line for each; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    here = [pathlib.Path(__file__).parent]
    parser.add_argument("folders", nargs="*", type=pathlib.Path, default=here, metavar="FOLDER")
    parser.add_argument("--engine", choices=ENGINES, help="default: the first that is installed")
    given = parser.parse_args(arguments)
    engine = given.engine or next(installed(), None)
    if engine is None:
        print("expected onnxruntime or TensorFlow, found neither", file=sys.stderr)
        return 1
    status = 0
    for folder in given.folders:
        try:
            report = Replay(folder, engine).verify()
        except (ValueError, OSError) as error:
            print(f"{folder}: {error}", file=sys.stderr)
            status = 1
            continue
        differences = ", ".join(f"{name} {value:.1e}" for name, value in report.items())
        print(f"{folder}: as exported, with {engine}; largest differences: {differences}")
    return status


if __name__ == "__main__":
    sys.exit(main())
