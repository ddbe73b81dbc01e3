"""How much a reader has to open, and how much there is: what ``test_economy.py`` holds the tree to.

    python tests/project/economy.py

Code is counted without docstrings, comments and blank lines. What a model reads is its import
closure inside the library: lazy exports are followed to the modules behind them, and imports inside
functions count. A module that an option names as text counts for the models whose default it is.
"""

import inspect
import io
import sys
import tokenize
from functools import lru_cache
from pathlib import Path
from typing import get_args, is_typeddict

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from bookmaker.code.imports import code_alone, find_modules, imports_in, loaded_by  # noqa: E402

MODELS = (
    *("memorization", "second_order", "higher_order"),
    *("sequence", "multi_task", "multi_scenario"),
)
ASIDE = (*MODELS, "one_request", "loops", "data/simulator")


def lines_of_code(source):
    """How many lines of a source hold code, without docstrings, comments and blank lines."""
    return len(code_alone(source).splitlines())


@lru_cache
def modules():
    return find_modules(ROOT, ("recsys_lib",))


def closure(module):
    """Dict of every module of the library that one reads to its lines of code, longest first."""
    read, waiting = set(), {module}
    while waiting:
        one = waiting.pop()
        read.add(one)
        for name in imports_in(modules()[one].read_text(encoding="utf-8")):
            waiting |= loaded_by(*name, modules()) - read
    found = {one: lines_of_code(modules()[one].read_text(encoding="utf-8")) for one in read}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def closure_of(row):
    """As ``closure``, of all that a row of the zoo reads, its defaults included.

    The ranker is counted without the models that it is made of.
    """
    from recsys_lib.layers.blocks import LAYERS

    function = inspect.unwrap(row.function)
    parameters = inspect.signature(row.function).parameters.values()
    settings = {**{one.name: one.default for one in parameters}, **row.options}
    if settings.get("interest") == "pooled":
        del settings["attention_activation"]  # of a unit that is not there
    named = {LAYERS[one] for one in settings.values() if isinstance(one, str) and one in LAYERS}
    found = closure(function.__module__)
    if row.key == "ranker":
        found = {one: n for one, n in found.items() if one.split(".")[1] not in MODELS}
    for reference in named:
        found |= closure(reference.split(":")[0])
    return found


SHOWN = (".js", ".css", ".j2", ".sh")
"""Endings of what is code beside Python."""


def counted(*folders, aside=(), deep=True):
    """Lines of code below folders, and tokens of their Python a line.

    What only becomes denser has not become smaller.
    """
    lines = tokens = of_python = 0
    for folder in folders:
        for path in sorted((ROOT / folder).glob("**/*" if deep else "*")):
            if any(path.is_relative_to(ROOT / folder / other) for other in aside):
                continue
            if path.suffix == ".py":
                code = code_alone(path.read_text(encoding="utf-8"))
                of_python += len(code.splitlines())
                found = tokenize.generate_tokens(io.StringIO(code).readline)
                tokens += sum(bool(one.string.strip()) for one in found)
            elif path.suffix in SHOWN:
                lines += sum(map(bool, map(str.strip, path.read_text("utf-8").splitlines())))
    return lines + of_python, tokens / of_python


def counts():
    """Dict of each part of the tree to its lines of code and the tokens a line."""
    return {
        "library": counted("recsys_lib", aside=ASIDE),
        "models": counted(*(f"recsys_lib/{folder}" for folder in MODELS)),
        "book": counted("recsys_book"),
        "bookmaker": counted("bookmaker"),
        "engine": counted("experiments", "experiments/engine", deep=False),
        "pipeline": counted("recsys_pipeline"),
    }


def own_parameters():
    """Dict of each builder to its parameters that are in no dictionary shared by five builders.

    ``**common: Unpack[...]`` names the dictionary; builders of one dictionary are counted with
    those of every dictionary that it extends.
    """
    from recsys_lib.zoo import MODELS as rows

    builders = {row.builder: row.function for row in rows}
    shared = {}
    for function in builders.values():
        for kind in _dictionaries(function):
            shared.setdefault(kind, set()).add(function)
    found = {}
    for name, function in builders.items():
        covered = set()
        for kind in _dictionaries(function):
            if len(shared[kind]) >= 5:
                covered |= set(kind.__annotations__)
        found[name] = [one for one in inspect.signature(function).parameters if one not in covered]
    return found


def _dictionaries(function):
    """The typed dicts whose options a builder takes, those that they extend among them."""
    written = inspect.unwrap(function)
    kinds = []
    for parameter in inspect.signature(written).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            kinds += get_args(parameter.annotation)
    found = set()
    while kinds:
        kind = kinds.pop()
        found.add(kind)
        kinds += [base for base in getattr(kind, "__orig_bases__", ()) if is_typeddict(base)]
    return found


def deepest_chain():
    """The longest chain of the library's own calls while DIN is built and fitted."""
    import numpy as np

    from recsys_lib.data import Dataset, Split
    from recsys_lib.features import CategoricalColumn, SequenceColumn
    from recsys_lib.sequence import build_din
    from recsys_lib.training import fit

    rng = np.random.default_rng(0)

    def split(first):
        labels = (np.arange(8) % 2).astype(np.float32)
        return Split(
            {
                "item": rng.integers(1, 9, 8, np.int32),
                "history": rng.integers(1, 9, (8, 3), np.int32),
            },
            {"click": labels},
            group=np.zeros(8, int),
            row_id=np.arange(first, first + 8),
        )

    columns = [
        CategoricalColumn("item", 9, group="item"),
        SequenceColumn("history", 9, 3, table="item"),
    ]
    data = Dataset("tiny", columns, split(0), split(8), split(16))
    stack, deepest, library = [], [], str(ROOT / "recsys_lib")

    def watch(frame, event, _):
        if not frame.f_code.co_filename.startswith(library):
            return
        if event == "call":
            stack.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}")
            if len(stack) > len(deepest):
                deepest[:] = stack
        elif event == "return" and stack:
            stack.pop()

    sys.setprofile(watch)
    try:
        fit(build_din(columns), data, epochs=1, batch_size=8)
    finally:
        sys.setprofile(None)
    return deepest


def main():
    from recsys_lib.zoo import MODELS as rows

    for name, read in {
        **{row.key: closure_of(row) for row in rows},
        "fit": closure("recsys_lib.training.trainer"),
    }.items():
        parts = ", ".join(f"{one.removeprefix('recsys_lib.')} {n}" for one, n in read.items())
        print(f"{name}: {len(read)} files, {sum(read.values())} lines of code: {parts}")
    for name, (lines, tokens) in counts().items():
        print(f"{name}: {lines} lines of code, {tokens:.1f} tokens a line")
    own = {name: len(parameters) for name, parameters in own_parameters().items()}
    most = max(own, key=own.get)
    print(f"parameters of its own: at most {own[most]}, {most}; {sum(own.values())} in all")
    chain = deepest_chain()
    print(f"deepest chain of calls in fit(DIN): {len(chain)}: {' > '.join(chain)}")


if __name__ == "__main__":
    main()
