"""One process that trains the library's models on request, on rows that a peer can read, too.

``python -m benchmarks.worker ROWS`` reads a request a line, a JSON object, and answers each with a
line: ``build`` a model, train it for a ``round``, ``drop`` it.
"""

import json
import math
import re
import sys

SECONDS_PER_ROUND = 0.4
MARK = "benchmark: "


def answer(**values):
    """Print an answer; whatever else is printed lacks the mark."""
    print(MARK + json.dumps(values), flush=True)


def serve(handlers):
    """Answer every request of the standard input: ``{"do": name, ...}`` by the handler named."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(**handlers[request.pop("do")](**request))
        except Exception as error:  # whatever it is, it is a reason that the table can print
            answer(reason=_cause(error)[:120])


def _cause(error):
    """The line of a message that says what went wrong: Keras wraps it in many others."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = f"{type(error).__name__}: {lines[0] if lines else ''}"
    return next((line for line in reversed(lines) if re.match(r"\w+Error: ", line)), first)


def epochs_of_a_round(examples_per_second, num_rows):
    """How many epochs make a round long enough to be timed."""
    return max(1, math.ceil(SECONDS_PER_ROUND * examples_per_second / num_rows))


class Library:
    """Models of the library on one data set."""

    def __init__(self, path):
        from benchmarks import exchange

        self.dataset, self.trainers = exchange.read_dataset(path), {}

    def build(self, key):
        import keras

        from benchmarks import inputs
        from recsys_lib.training.optimizers import Adam
        from recsys_lib.training.trainer import Trainer
        from recsys_lib.zoo import find

        keras.utils.set_random_seed(0)
        model = inputs.builder(find(key), self.dataset)(self.dataset.feature_columns)
        self.trainers[key] = Trainer(model, self.dataset, Adam(1e-3))
        self._fit(key, 1)
        return {
            "parameters": model.count_params(),
            "epochs": epochs_of_a_round(self._fit(key, 1), len(self.dataset.train)),
        }

    def round(self, key, epochs):
        return {"examples_per_second": self._fit(key, epochs)}

    def drop(self, key):
        self.trainers.pop(key, None)
        return {}

    def _fit(self, key, epochs):
        history = self.trainers[key].fit(
            self.dataset, epochs=epochs, batch_size=1024, patience=None, progress=False
        )
        return history.examples_per_second


def main(path):
    library = Library(path)
    serve({"build": library.build, "round": library.round, "drop": library.drop})


if __name__ == "__main__":
    main(*sys.argv[1:])
