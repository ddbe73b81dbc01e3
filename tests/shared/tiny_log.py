"""A small log with every kind of column, its description, and the command that trains on it."""

import numpy as np
import pandas as pd

from recsys_pipeline.__main__ import main

SAID = """\
files = "log.csv"
group = "user"
slices = ["page"]
[time]
column = "now"
[labels.click]
[labels.buy]
[columns.user]
group = "user"
[columns.item]
group = "item"
[columns.page]
group = "scenario"
[columns.price]
kind = "numeric"
group = "item"
[columns.seen]
kind = "sequence"
max_length = 4
table = "item"
times = "when"
sessions = [2, 3]
"""
WATCH = '[labels.watch]\nkind = "regression"\noptional = true\n'


def write_log(folder):
    """A log in which items and pages differ in how often they are clicked; returns the folder."""
    rng = np.random.default_rng(0)
    rows = 400
    item, page = rng.integers(0, 8, rows), rng.integers(0, 3, rows)
    click = (rng.random(rows) < 0.1 + 0.1 * item).astype(int)
    seen, when = [], []
    for _row in range(rows):
        count = int(rng.integers(0, 6))
        moments = np.sort(rng.choice(np.arange(1, 50_000), count, replace=False))
        when.append("|".join(map(str, moments)))
        seen.append("|".join(f"i{n}" for n in rng.integers(0, 8, count)))
    frame = pd.DataFrame(
        {
            "click": click,
            "buy": click * rng.integers(0, 2, rows),
            "user": [f"u{number}" for number in rng.integers(0, 20, rows)],
            "item": [f"i{number}" for number in item],
            "page": [f"p{number}" for number in page],
            "price": rng.normal(size=rows).round(3),
            "seen": seen,
            "when": when,
            "now": 60_000 + 10 * np.arange(rows),
        }
    )
    frame.to_csv(folder / "log.csv", index=False)
    (folder / "data.toml").write_text(SAID)
    frame["watch"] = np.where(click == 1, rng.random(rows).round(3), np.nan)
    frame.to_parquet(folder / "more.parquet")
    (folder / "more.toml").write_text(SAID.replace("log.csv", "more.parquet") + WATCH)
    return folder


def run(shop, tmp_path, *words, data="data.toml"):
    fixed = ["--epochs", "2", "--batch-size", "64", "--output", str(tmp_path / "run"), "--no-cache"]
    return main(["train", str(shop / data), *fixed, *words])
