"""Small records, as experiments write them."""

import copy
import json

LEADS = {
    "sentence": "DIN leads.",
    "verdict": "better",
    "confirmed": True,
    "unit": "points",
    "margin": 2.0,
    "text": "DIN to mean",
    "effect": 12.31,
    "interval": [10.94, 13.68],
    "worlds": 20,
}
BEHIND = LEADS | {
    "sentence": "A mean <is> behind.",
    "verdict": "cannot tell",
    "confirmed": False,
    "effect": 0.62,
    "interval": [-1.5, 2.74],
}
SWEPT = {"knob": "num_interests", "values": [1, 6, 10], "tune_at": [1, 6, 10]}


def row(model, point, mean, **more):
    """A line of a record's summary."""
    head = {"model": model, "point": point, "task": "click", "slice": "all", "worlds": 20}
    head |= {"points": [mean, mean - 1, mean + 1], "auc": [0.71, 0.69, 0.73], "behind": False}
    return head | more


def made(**changes):
    """A record of two models and two findings, with what a test changes."""
    record = {
        "identifier": "small.told",
        "question": "Who leads?",
        "record": 1,
        "worlds": [100, 120],
        "amendments": [],
        "arms": {name: {"choice": {"": {"edges": []}}} for name in ("DIN", "mean")},
        "declaration": {
            "arms": [{"name": "mean"}, {"name": "DIN"}],
            "contrasts": [{"finding": "leads"}, {"finding": "behind"}],
            "sweep": None,
            "lens": "interests",
            "data": None,
            "knobs": {"num_interests": 4, "num_rows": 60000},
        },
        "findings": {"leads": LEADS, "behind": BEHIND},
        "summary": [row("DIN", "", 93.02), row("mean", "", 61.28, behind=True)],
        "history": [],
    }
    return copy.deepcopy(record) | changes


def put(folder, record):
    """Write a record into a folder of results; returns the folder."""
    path = folder / f"{record['identifier']}.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return folder
