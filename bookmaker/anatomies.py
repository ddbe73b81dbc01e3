"""Anatomies: which headings and labels a lesson has, and how long it may run.

A model's lesson is a ``core``, a chapter's comparison a ``survey``; what goes further stands in a
companion, ``deeper``; a ``lab`` is on data that not every machine has.
"""

CHECKED = "Checked sentences"
"""The heading above the block of checked sentences; a companion without any has none."""

MEASURED = "How this was measured"
"""The heading above the folded evidence of a core lesson."""

ANSWER = "answer"
"""The tag of cells whose outputs answer a guess: the committed notebook does not hold them."""

HEADINGS = {
    "core": (
        "The problem",
        "One example",
        "The mathematics",
        "Predict",
        "The whole model",
        "What it does",
        "Break it",
        "In short",
        MEASURED,
        CHECKED,
        "References",
    ),
    "survey": (
        "The problem",
        "Predict",
        "What it does",
        "In short",
        CHECKED,
        "References",
    ),
    "deeper": (),
    "lab": ("References",),
}
_LESSON_LABELS = ("Question", "Objectives", "Prerequisites", "Time", "Library")
HEADER_LABELS = {
    "core": _LESSON_LABELS,
    "survey": _LESSON_LABELS,
    "deeper": ("Question", "Time", "Library"),
    "lab": ("Question", "Data", "Prerequisites", "Time", "Library"),
}

LONGEST_RUN_SECONDS = {
    "core": 25,
    "survey": 25,
    "deeper": 40,
    "lab": 180,
}
