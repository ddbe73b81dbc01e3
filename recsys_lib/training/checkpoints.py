"""Checkpoints from which a killed run goes on to the very same weights."""

import json
import os
import zipfile

import numpy as np


def write_checkpoint(path, parts, state, best=None):
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
    arrays["state"] = np.array(json.dumps(state))
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


def read_checkpoint(path, parts, fingerprint):
    """Restore what ``write_checkpoint`` stored.

    Returns:
        The state and the best weights (or None).

    Raises:
        ValueError: the file is no checkpoint, or belongs to another run.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        state = json.loads(str(arrays["state"]))
        stored = state["fingerprint"]
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path}: not a readable checkpoint ({error}); delete it") from error
    changed = [key for key in fingerprint if stored.get(key) != fingerprint[key]]
    if changed:
        raise ValueError(
            f"{path}: the checkpoint belongs to another run, {changed[0]} was "
            f"{stored.get(changed[0])!r} and is {fingerprint[changed[0]]!r}; "
            "delete it or name another file"
        )
    for name, variables in parts.items():
        for position, variable in enumerate(variables):
            variable.assign(arrays[f"{name}_{position}"])
    best = [arrays[f"best_{i}"] for i in range(len(parts["model"])) if f"best_{i}" in arrays]
    return state, best or None
