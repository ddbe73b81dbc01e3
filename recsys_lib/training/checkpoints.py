"""Checkpoints from which a killed run goes on to the very same weights.

A checkpoint belongs to one run. Before anything is overwritten it is held against the run that
wants to go on with it: data, options, optimizer and structure of the model, then the kind, name
and shape of every variable.
"""

import dataclasses
import hashlib
import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from recsys_lib.keras_internals import optimizers_by_pattern
from recsys_lib.training.rates import parts_of
from recsys_lib.training.run import Run

Parts = Mapping[str, Sequence[Any]]


class StoredRun(Run):
    """A run with a checkpoint, from which it goes on if the file is there.

    Args:
        trainer, training, options, rates: as for ``Run``.
        path: of the file.
        valid: the ``Validation`` that scores the run, or None.
        groups: ``(rows,)`` integers, the groups of training rows that an objective reads, or None.

    Raises:
        ValueError: a damaged checkpoint, or one that belongs to another run.
    """

    _stored = (
        *("epoch", "step", "sums", "seconds", "rows", "best_score", "best_epoch"),
        *("epochs_without_gain", "rate_share", "epochs_since_cut", "stopped"),
    )

    def __init__(self, trainer, training, options, rates, path, valid, groups):
        super().__init__(trainer, training, options, rates)
        self.path, self._fingerprint = path, self._made_of(training, valid, groups)
        if os.path.exists(path):
            self._resume()

    def _made_of(self, training, valid, groups):
        """The settings by which two runs are told apart, without those of single epochs."""
        trainer, options = self.trainer, self.options
        model, objective = trainer.model, trainer.objective
        made_of = {
            "number of training rows": self.num_rows,
            "batch size": options.batch_size,
            "seed": options.seed,
            "patience": options.patience,
            "reduce_on_plateau": options.plateau and dataclasses.asdict(options.plateau),
            "callbacks": [type(callback).__name__ for callback in options.callbacks],
            "balancing": repr(trainer.balancing),
            "objective": objective and repr(objective.objective),
            "tasks": trainer.kinds,
            "shapes of the model's variables": [list(v.shape) for v in model.variables],
            "structure of the model": structure_of(model),
            **_optimizer_options(trainer.optimizer),
            "sizes of the chunks": training.sizes,
            # Before the rows, whose own hash knows the groups in memory alone.
            **_hash_of_groups("training", groups),
            "hash of the training rows": training.digest(),
        }
        if valid is not None:
            made_of["hash of the validation rows"] = valid.digest()
            made_of["watched score"] = None if valid.watched == "auc" else valid.watched
            made_of |= _hash_of_groups("validation", valid.groups)
        return made_of

    def _with_schedule(self, epoch):
        """The fingerprint, with what the schedule says of the epochs up to this one."""
        factors = [self.rates.factor(earlier) for earlier in range(epoch + 1)]
        return {**self._fingerprint, "factors of the schedule": factors}

    def _resume(self):
        found = read_checkpoint(self.path)
        epoch = found.state.get("epoch", 0)
        found.check(self._with_schedule(epoch), self.trainer.parts)
        self.best = found.restore(self.trainer.parts)
        for name in self._stored:
            setattr(self, name, found.state[name])
        for callback, state in zip(self.options.callbacks, found.state["callbacks"], strict=True):
            callback.restore(state)

    def save(self):
        """Write the checkpoint; of several workers one does."""
        if not self.trainer.is_chief:
            return
        state = {"fingerprint": self._with_schedule(self.epoch)}
        state |= {name: getattr(self, name) for name in self._stored}
        state["callbacks"] = states_of(self.options.callbacks)
        write_checkpoint(self.path, self.trainer.parts, state, self.best)


def _hash_of_groups(kind, groups):
    """A short hash of which rows share a group; nothing of a run that reads no groups."""
    if groups is None:
        return {}
    codes = np.unique(groups, return_inverse=True)[1].astype(np.int32)
    return {f"hash of the groups of the {kind} rows": hashlib.sha256(codes).hexdigest()[:12]}


def write_checkpoint(
    path: str | os.PathLike[str],
    parts: Parts,
    state: Mapping[str, Any],
    best: Sequence[np.ndarray] | None = None,
) -> None:
    """Write all variables and the position in the run; the file appears whole or not at all.

    Args:
        path: file name.
        parts: dict of name to variables, of the model (the seeds of dropout layers are among them),
            of the optimizer and of the balancing method.
        state: JSON-ready dict.
        best: list of arrays, the weights to restore at the end, or None.
    """
    arrays = {
        f"{name}_{position}": variable.numpy()
        for name, variables in parts.items()
        for position, variable in enumerate(variables)
    }
    arrays |= {f"best_{i}": value for i, value in enumerate(best or [])}
    arrays["state"] = np.array(json.dumps({**state, "variables": _descriptions(parts)}))
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    # Always the same name: what a kill leaves half-written is overwritten by the next write.
    temporary = f"{path}.part"
    try:
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The arguments of ``write_checkpoint``; nothing is overwritten before ``restore``."""

    path: str
    arrays: Mapping[str, np.ndarray]
    state: Mapping[str, Any]

    def check(self, fingerprint: Mapping[str, Any], parts: Parts) -> None:
        """Raise ``ValueError`` unless it belongs to the run of these parts, made of this."""
        stored, now = self.state["fingerprint"], json.loads(json.dumps(fingerprint))
        for key in {**now, **stored}:
            self._compare(key, stored.get(key), now.get(key))
        described = json.loads(json.dumps(_descriptions(parts)))
        for name, variables in described.items():
            kept = self.state["variables"].get(name, [])
            self._compare(f"the number of variables of the {name}", len(kept), len(variables))
            for position, variable in enumerate(variables):
                self._compare(f"variable {position} of the {name}", kept[position], variable)

    def _compare(self, what, was, now):
        if was != now:
            raise ValueError(
                f"{self.path}: the checkpoint belongs to another run, {what} was {was!r} and is "
                f"{now!r}; delete it or name another file"
            )

    def restore(self, parts: Parts) -> list[np.ndarray] | None:
        """Give the variables their values; returns the best weights, or None."""
        for name, variables in parts.items():
            for position, variable in enumerate(variables):
                variable.assign(self.arrays[f"{name}_{position}"])
        count = len(parts["model"])
        best = [self.arrays[f"best_{i}"] for i in range(count) if f"best_{i}" in self.arrays]
        return best or None


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read what ``write_checkpoint`` stored; ``ValueError``: no checkpoint, or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        state = json.loads(str(arrays.pop("state")))
        for name in ("fingerprint", "variables"):
            state[name].items()
        for part, variables in state["variables"].items():
            for position, (_, shape, dtype) in enumerate(variables):
                array = arrays[f"{part}_{position}"]
                if list(array.shape) != shape or str(array.dtype) != dtype:
                    raise ValueError(f"{part}_{position} has another shape than is said")
    except (
        *(zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError, EOFError),
        OSError,
    ) as error:
        raise ValueError(f"{path}: not a readable checkpoint ({error}); delete it") from error
    return Checkpoint(str(path), arrays, state)


def _descriptions(parts: Parts) -> dict[str, list[Any]]:
    """Name, shape and type of each variable; numbers that Keras gives its layers are left out."""
    return {
        part: [
            [_plain(getattr(variable, "path", variable.name)), *_kind(variable)]
            for variable in variables
        ]
        for part, variables in parts.items()
    }


def _kind(variable):
    dtype = variable.dtype
    return list(variable.shape), dtype if isinstance(dtype, str) else dtype.name


def _plain(name):
    return re.sub(r"_\d+(?=[/_]|$)", "", name.split(":")[0])


def structure_of(model: keras.Model) -> str:
    """A hash of a model's layers, their options and how they are joined, without their names.

    Two builds of one model have one structure, though Keras numbers their layers differently.
    """
    try:
        config = json.dumps(model.get_config(), default=_type_name)
    except Exception:  # a layer of the reader's own that cannot describe itself
        config = json.dumps([_type_name(layer) for layer in model.layers])
    config = json.loads(config)
    numbers: dict[str, int] = {}
    _number_names(config, numbers)
    plain = json.dumps([_type_name(model), _without_names(config, numbers)], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


_NAMES_OF_LAYERS = ("name", "inbound_nodes", "input_layers", "output_layers")


def _type_name(value):
    return type(value).__name__


def _number_names(config, numbers):
    """Number the names of models and layers in the order in which they first appear."""
    if isinstance(config, dict):
        if isinstance(config.get("name"), str):
            numbers.setdefault(config["name"], len(numbers))
        for value in config.values():
            _number_names(value, numbers)
    elif isinstance(config, list):
        for value in config:
            _number_names(value, numbers)


def _without_names(config, numbers, is_name=False):
    """The configuration with numbers in the place of names, wherever a layer is named."""
    if isinstance(config, dict):
        return {
            key: _without_names(value, numbers, is_name or key in _NAMES_OF_LAYERS)
            for key, value in config.items()
        }
    if isinstance(config, list):
        return [_without_names(value, numbers, is_name) for value in config]
    if is_name and isinstance(config, str) and config in numbers:
        return f"name {numbers[config]}"
    return config


def _optimizer_options(optimizer):
    """Kind, options and patterns of each part of an optimizer, without the names Keras numbers."""
    several = isinstance(optimizer, keras.optimizers.MultiOptimizer)
    patterns = optimizers_by_pattern(optimizer) if several else ()
    options = {"patterns of the optimizers": [str(pattern) for pattern in patterns]}
    for position, part in enumerate(parts_of(optimizer)):
        described = keras.saving.serialize_keras_object(part)
        which = "optimizer" if position == 0 else f"optimizer {position + 1}"
        options[which] = described["registered_name"] or described["class_name"]
        for option, value in described["config"].items():
            if option != "name":
                options[f"{which}, {option}"] = json.loads(json.dumps(value, default=repr))
    return options


def states_of(callbacks: Sequence[Any]) -> list[Any]:
    """The callbacks' states for a checkpoint; ``ValueError`` for one that JSON cannot hold."""
    states = []
    for callback in callbacks:
        state = callback.state()
        try:
            json.dumps(state)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{type(callback).__name__}.state: expected numbers, texts, lists and dicts, got "
                f"{state!r} ({error})"
            ) from None
        states.append(state)
    return states
