"""The project *scoreboard*: a log for the students, and what their exported models score and cost.

Log and test rows are of one simulated platform. Its truth is known, so that a score can be given in
points of the gap between a coin and the oracle.
"""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bookmaker.building.build import BuildError
from bookmaker.course.planted import FOLDER
from recsys_lib.data import Split, simulator
from recsys_lib.training import gauc, share_of_gap
from recsys_pipeline.export import Replay
from recsys_pipeline.export.replay import ROWS

STARTER = FOLDER / "scoreboard"
LISTS, NUMBERS = ("history", "history_category"), ("log_price",)
CANDIDATES = 300
REQUESTS, WARM = 50, 5
BUDGET = 10.0
"""Milliseconds for `CANDIDATES`, at the 95th percentile of `REQUESTS`."""


def world(
    seed: int, num_rows: int = 100_000, num_test_rows: int = 20_000
) -> simulator.SimulatedDataset:
    """The platform of a seed: training and validation rows for the students, test rows kept back.

    Args:
        seed: a number that the students do not know.
        num_rows, num_test_rows: sizes.
    """
    return simulator.platform(
        num_rows,
        num_valid_rows=2_000,
        num_test_rows=num_test_rows,
        click_bias=(-2.2, -1.2, -1.7),
        seed=seed,
    )


def raw_rows(split: Split) -> pd.DataFrame:
    """Rows as a log has them: texts for ids, lists with bars.

    Args:
        split: of `world`.
    """
    frame = {"time": 1_700_000_000 + 60 * split.group, "request": split.group}
    for name, values in split.features.items():
        if name in LISTS:
            frame[name] = ["|".join(str(one) for one in row if one) for row in values]
        else:
            frame[name] = values
    return pd.DataFrame(frame | {"click": split.labels["click"].astype(int)})


def write_log(seed: int, folder: Path, **sizes: int) -> Path:
    """Write what a student gets: the log, its description, and the starter of a recipe.

    Args:
        seed: of the platform.
        folder: it must not be there.
        sizes: as those of `world`.

    Raises:
        BuildError: the folder is there.
    """
    if folder.exists():
        raise BuildError(f"{folder}: expected a folder that is not there yet")
    dataset = world(seed, **sizes)
    rows = pd.concat([raw_rows(dataset.train), raw_rows(dataset.valid)])
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        new = Path(shutil.copytree(STARTER, Path(temporary) / "log"))
        rows.to_csv(new / "log.csv", index=False)
        return new.rename(folder)


def score(seed: int, exports: Path, budget: float = BUDGET, **sizes: int) -> pd.DataFrame:
    """Score the exports of a class on the test rows, and time each on this machine.

    Args:
        seed: of the platform.
        exports: a folder with one export for each student, under the student's name.
        budget: milliseconds, see `BUDGET`.
        sizes: as those of `world`.

    Returns:
        Frame by student with ``points`` of the GAUC gap, ``gauc``, ``ms`` and ``fault``: why an
        export is refused, empty for one that is in time. The best without a fault is first.

    Raises:
        BuildError: there is no export.
    """
    test = world(seed, **sizes).test
    # Without the label: an export says itself which columns it is asked with.
    rows, clicks = raw_rows(test).drop(columns="click"), test.labels["click"]
    best = gauc(clicks, test.probability["click"], test.group)[0]
    board = {}
    for path in sorted(one for one in exports.iterdir() if one.is_dir()):
        row: dict[str, Any] = {"points": 0.0, "gauc": float("nan"), "ms": float("nan"), "fault": ""}
        try:
            replay = Replay(path)
            names = (*replay.golden["request"], *replay.golden["candidates"])
            features = replay.encode.rows({name: _values(rows, name) for name in names})
            scores = replay.run[ROWS](features)["click"]
            row["gauc"] = gauc(clicks, scores, test.group)[0]
            row["ms"] = milliseconds(replay, rows)
            row["points"] = 100 * share_of_gap(row["gauc"], 0.5, best)
            if row["ms"] > budget:
                row["fault"] = (
                    f"too slow: expected {CANDIDATES} candidates in {budget:g} ms for 95 of 100 "
                    f"requests, got {row['ms']:.1f} ms"
                )
        except Exception as error:  # whatever a student's export does, the others are scored
            row["fault"] = " ".join(f"{type(error).__name__}: {error}".split())
        board[path.name] = row
    if not board:
        raise BuildError(f"{exports}: expected a folder for each student, found none")
    ranked = sorted(board.items(), key=lambda one: (one[1]["fault"] != "", -one[1]["points"]))
    return pd.DataFrame.from_dict(dict(ranked), orient="index")


def milliseconds(replay: Replay, rows: pd.DataFrame) -> float:
    """The 95th percentile of the time that a request takes, raw values in and scores out.

    Args:
        replay: the export.
        rows: raw rows; the first of a request is its user's, the next ones are the candidates.
    """
    took = []
    for number in range(REQUESTS + WARM):
        part = rows.iloc[10 * number : 10 * number + CANDIDATES]
        request = {name: _values(part, name)[0] for name in replay.golden["request"]}
        candidates = {name: _values(part, name) for name in replay.golden["candidates"]}
        begun = time.perf_counter()
        replay.scores(*replay.encode(request, candidates))
        took.append(time.perf_counter() - begun)
    return 1000 * float(np.percentile(took[WARM:], 95))


def _values(rows: pd.DataFrame, name: str) -> list:
    """A column's raw values as a service is asked with them."""
    if name in LISTS:
        return [value.split("|") if value else [] for value in rows[name]]
    return rows[name].tolist() if name in NUMBERS else rows[name].astype(str).tolist()
