"""A data set in a file that the library and a peer can read.

Nothing of the library is imported before it is needed: the peer's process does without.
"""

import dataclasses
import json

import numpy as np

SPLITS = ("train", "valid", "test")


def write(dataset, path):
    """Write the columns, tasks and rows of a ``Dataset`` to an ``.npz`` file."""
    columns = [
        {"kind": type(column).__name__, **dataclasses.asdict(column)}
        for column in dataset.feature_columns
    ]
    about = {"name": dataset.name, "columns": columns, "tasks": dataset.tasks}
    arrays = {"about": np.array(json.dumps(about))}
    for name in SPLITS:
        split = getattr(dataset, name)
        arrays |= {f"{name}/features/{key}": values for key, values in split.features.items()}
        arrays |= {f"{name}/labels/{key}": values for key, values in split.labels.items()}
        arrays |= {f"{name}/group": split.group, f"{name}/row_id": split.row_id}
    np.savez(path, **arrays)


def read(path):
    """What ``write`` wrote.

    Returns:
        ``about``, a dict with ``name``, ``columns`` (dicts) and ``tasks``; and a dict of split to
        dict of part (``features``, ``labels``, ``group``, ``row_id``) to arrays.
    """
    with np.load(path) as file:
        about = json.loads(str(file["about"]))
        splits = {name: {"features": {}, "labels": {}} for name in SPLITS}
        for key in file.files:
            split, *part = key.split("/")
            if len(part) == 2:
                splits[split][part[0]][part[1]] = file[key]
            elif part:
                splits[split][part[0]] = file[key]
    return about, splits


def read_dataset(path):
    """What ``write`` wrote, as a ``Dataset``."""
    from recsys_lib.data import Dataset, Split
    from recsys_lib.features import columns as kinds

    about, splits = read(path)
    columns = [getattr(kinds, column.pop("kind"))(**column) for column in about["columns"]]
    parts = {name: Split(**part) for name, part in splits.items()}
    return Dataset(about["name"], tuple(columns), **parts, tasks=about["tasks"])
