"""Every run of a record: as a table, and as dots in one figure."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recsys_book.records.record_figures import looks
from recsys_book.records.records import RESULTS, record_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

_MEASURES = {
    "points": ("auc_gap_closed", "points of the AUC gap", 100.0),
    "auc": ("auc", "AUC", 1.0),
    "gauc": ("gauc", "GAUC, within a user's rows", 1.0),
    "gauc_moving": ("gauc_moving", "GAUC while the user's columns move", 1.0),
    "gauc_page": ("gauc_page", "GAUC, within a page", 1.0),
    "gauc_points": ("gauc_gap_closed", "points of the GAUC gap", 100.0),
    "log_loss": ("log_loss", "log loss", 1.0),
    "log_loss_platt": ("log_loss_platt", "log loss, calibrated", 1.0),
    "error_points": ("mean_squared_error_gap_closed", "points of the error gap", 100.0),
    "money": ("money_gap_closed", "points of the money's gap", 100.0),
    "promised": ("promised_gap_closed", "promised, points of the money's gap", 100.0),
}
"""Name of a measure to its column in the table, its label, and its factor."""


def runs(experiment: str, results: Path | None = None) -> "pd.DataFrame":
    """Every measured run of an experiment.

    Args:
        experiment: ``"chapter.name"``.
        results: folder of the records; default: that of this checkout.

    Returns:
        One row for each run, task and slice: ``model``, ``point`` (text, the value of the swept
        knob; empty without a sweep), ``world``, ``initialisation``, ``task``, ``slice``, and those
        of ``points`` (of the AUC gap), ``auc``, ``gauc``, ``gauc_points``, ``gauc_moving``,
        ``gauc_page``, ``log_loss``, ``log_loss_platt``, of a regression ``error_points``, and of
        pages ``money`` and ``promised`` that were measured.
        On a log ``gauc`` is of rows whose columns of user and history are held still
        (``Dataset.held_still``), ``gauc_moving`` of rows as they are.

    Raises:
        ValueError: nothing is recorded under this name.

    Example:
        >>> table = runs("sequence.interests")
        >>> int((table.model == "DIN").sum() > 40)
        1
    """
    import pandas as pd

    record_of(experiment, results)  # says which records there are
    folder = RESULTS if results is None else Path(results)
    table = pd.read_csv(folder / f"{experiment}.csv", dtype={"point": str})
    table["point"] = table["point"].fillna("")
    shown = table[["model", "point", "world", "initialisation", "task", "slice"]].copy()
    for name, (column, _, factor) in _MEASURES.items():
        if column in table and table[column].notna().any():
            shown[name] = factor * table[column]
    return shown


def user_sums(
    experiment: str, results: Path | None = None, task: str = ""
) -> "dict[str, np.ndarray]":
    """What each user adds to each model's scores on a log.

    Args:
        experiment: ``"chapter.name"`` of one on a log.
        results: folder of the records; default: that of this checkout.
        task: which one, where there are several.

    Returns:
        ``rows`` and ``clicks``, test rows of each user and those with label 1, ``(users,)``;
        ``names`` of the models; and ``sums``, ``(models, 4, users)``, means of the runs: pairs of
        a click and another row of the user in the right order, ties half, where the user's
        columns are held still; the log loss; the right pairs of the user's clicks, and of the
        user's other rows, with rows of all users. All numbers are float64.

    Raises:
        ValueError: nothing is recorded under this name, or it was measured on worlds, or on
            other tasks.

    Example:
        >>> kept = user_sums("scoreboards.movielens")
        >>> kept["sums"].shape == (len(kept["names"]), 4, len(kept["rows"]))
        True
    """
    import numpy as np

    record_of(experiment, results)
    folder = RESULTS if results is None else Path(results)
    path = folder / f"{experiment}{task and '.'}{task}.users.npz"
    if not path.exists():
        stems = [one.name.removesuffix(".users.npz") for one in folder.glob(f"{experiment}.*npz")]
        if known := sorted(stem.removeprefix(f"{experiment}.") for stem in stems):
            raise ValueError(f"user_sums, task: expected one of {known}, got {task!r}")
        raise ValueError(f"user_sums: expected an experiment on a log, got {experiment!r}")
    with np.load(path) as file:
        kept = {name: file[name] for name in ("rows", "clicks", "names", "sums")}
    return kept | {name: kept[name].astype(np.float64) for name in ("rows", "clicks", "sums")}


def dots(
    experiment: str,
    models: Sequence[str],
    title: str,
    *,
    measure: str | Sequence[str] = "points",
    points: Sequence[float | str] = ("",),
    panels: Sequence[str] | None = None,
    margin: float | None = None,
    part: str = "all",
    task: str | Sequence[str] | None = None,
    results: Path | None = None,
) -> "Figure":
    """One dot for each world or, on a log, each run; a line at their average, the margin as a band.

    Args:
        experiment: ``"chapter.name"``.
        models: names in the experiment, from above. The band lies around the first one's mean.
        title: the finding.
        measure: one of those of ``runs``; several have a panel each.
        points: values of the swept knob, a panel for each; default: that of no sweep.
        panels: titles of the panels; default: the tasks, the values, or the measures.
        margin: half the width of the band in the measure's unit, within which the record calls two
            models level; None for no band.
        part: slice of the test rows.
        task: which one, where there are several; several have a panel each.
        results: folder of the records; default: that of this checkout.

    Returns:
        The ``Figure``, drawn.

    Raises:
        ValueError: nothing is recorded under this name, or a model, a point, a measure, a slice or
            a task has no run; the task is left open where there are several.
    """
    from matplotlib.figure import Figure

    table, on_worlds = runs(experiment, results), record_of(experiment, results)["worlds"]
    if on_worlds:  # further initialisations of a world are no further worlds
        table = table[table["initialisation"] == 0]
    measures = [measure] if isinstance(measure, str) else list(measure)
    if unknown := [name for name in measures if name not in _MEASURES or name not in table]:
        offered = [name for name in _MEASURES if name in table]
        raise ValueError(f"measure: expected one of {offered}, got {unknown[0]!r}")
    texts = [point if isinstance(point, str) else f"{point:g}" for point in points]
    known = sorted(table["task"].unique())
    tasks = known if task is None else [task] if isinstance(task, str) else list(task)
    if task is None and len(known) > 1:
        raise ValueError(f"dots, task: expected one of {known} or several, got none")
    drawn = list(itertools.product(measures, texts, tasks))
    labels = [_MEASURES[name][1] for name in measures]
    headings = panels or (tasks if len(tasks) > 1 else texts if len(measures) == 1 else labels)
    height = 1.2 + 0.36 * len(models) + (0 if margin is None else 0.2)
    figure = Figure(figsize=(7.0, height), dpi=100, layout="constrained")
    shared = len(measures) == 1
    axes = figure.subplots(1, len(drawn), sharex=shared, sharey=True, squeeze=False)[0]
    of_arms = looks(models, record_of(experiment, results)["arms"])
    keys = ["model", "point", "slice", "task"]
    for panel, (name, text, one), heading in zip(axes, drawn, headings, strict=True):
        for place, model in enumerate(models):
            wanted = [model, text, part, one]
            own = table[(table[keys] == wanted).all(axis=1)][name]
            if own.empty:
                offered = table[keys].drop_duplicates().to_numpy().tolist()
                raise ValueError(f"dots: expected one of {offered}, got {wanted}")
            if not place and margin is not None:
                panel.axvspan(own.mean() - margin, own.mean() + margin, color="0.88", zorder=0)
            look = of_arms[place] | {"linestyle": "", "alpha": 0.6, "markersize": 5}
            panel.plot(own, _heights(len(own), place), **look)
            panel.plot(own.mean(), place, "|", color="black", markersize=18, markeredgewidth=2)
        panel.set_title(heading, fontsize=10)
        panel.grid(visible=True, axis="x", alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
        panel.locator_params(axis="x", nbins=5 if len(drawn) < 3 else 3)
    axes[0].set_yticks(range(len(models)), models)
    axes[0].set_ylim(len(models) - 0.4, -0.6)
    figure.suptitle(title, fontsize=11)
    label = f"{labels[0]}: a" if shared else "A"
    each = "world" if on_worlds else "run"
    legend = f"{label} dot is a {each}, the black line the average"
    if margin is not None:
        legend += f",\nthe grey band the margin around the average of {models[0]}"
    figure.supxlabel(legend, fontsize=10)
    return figure


def _heights(count: int, place: int) -> list[float]:
    """Heights in a row, so that equal runs do not hide each other."""
    return [place + 0.24 * ((7 * run % count) / max(count - 1, 1) - 0.5) for run in range(count)]
