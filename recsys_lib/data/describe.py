"""A table of what each split of a data set holds, and of what training never saw."""

import numpy as np
import pandas as pd

KEYS = ("user_id", "movie_id", "video_id")


def describe(dataset):
    """Describe each split, and the share of its ids that training never saw.

    Returns:
        A frame with one row per split: ``rows``, ``users``, ``first_day`` and ``last_day`` (UTC),
        the share of positive labels of each task, and, where the data set has those columns, the
        shares of rows whose user is unknown (``unknown_user``), whose film or video is unknown
        (``unknown_movie``, ``unknown_video``) and whose history is empty (``empty_history``).
    """
    names = {column.name for column in dataset.feature_columns}
    table = []
    for split_name, split in dataset.splits.items():
        days = np.array([split.time.min(), split.time.max()]).astype("datetime64[s]")
        first_day, last_day = (str(day) for day in days.astype("datetime64[D]"))
        row = {
            "split": split_name,
            "rows": len(split),
            "users": len(np.unique(split.group)),
            "first_day": first_day,
            "last_day": last_day,
        }
        for task, values in split.labels.items():
            row[f"{task}_rate"] = round(float(values.mean(dtype=np.float64)), 4)
        for name in KEYS:
            if name in names:
                share = (split.features[name] == 0).mean()
                row[f"unknown_{name.removesuffix('_id')}"] = round(float(share), 4)
        if "history" in names:
            share = (split.features["history"] == 0).all(axis=1).mean()
            row["empty_history"] = round(float(share), 4)
        table.append(row)
    return pd.DataFrame(table).set_index("split")
