"""Anatomies: which headings and labels a lesson has, and how long it may run.

A model's lesson is a ``core``, a chapter's comparison a ``survey``; what goes further stands in a
companion, ``deeper``. ``full`` and ``overview`` are of lessons that are not yet converted.
"""

COUNTED = ("core", "survey", "deeper")
"""Anatomies whose minutes are counted, and whose sentences are checked exactly or recorded."""

CHECKED = "Checked sentences"
"""The heading above the block of checked sentences; a companion without any has none."""

MEASURED = "How this was measured"
"""The heading above the folded evidence of a core lesson."""

ANSWER = "answer"
"""The tag of cells whose outputs answer a guess: the committed notebook does not hold them."""

SECOND_DRAFT = {
    "07_one_request/02_day_by_day",
    "07_one_request/03_out_of_the_notebook",
}
"""Core lessons and surveys that still have the former headings and limits; none is added."""

SECOND_DRAFT_HEADINGS = (
    "The problem",
    "The picture",
    "The mathematics",
    "A worked example",
    "Predict",
    "From scratch",
    "In the library",
    "What it does",
    "Break it",
    "In short",
    CHECKED,
    "References",
)

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
    "full": (
        "Where the previous model fails",
        "The mathematics",
        "A worked example",
        "Predict before you run",
        "From scratch",
        "In the library",
        "On the simulator",
        "On real data",
        "Turn the knob",
        "Break it",
        "Exercises",
        "What was claimed",
        "References",
    ),
    "overview": ("Predict before you run", "What was claimed", "References"),
    "lab": ("References",),
}
_LESSON_LABELS = ("Question", "Objectives", "Prerequisites", "Time", "Library")
HEADER_LABELS = {
    "core": _LESSON_LABELS,
    "survey": _LESSON_LABELS,
    "deeper": ("Question", "Time", "Library"),
    "full": _LESSON_LABELS,
    "overview": _LESSON_LABELS,
    "lab": ("Question", "Data", "Prerequisites", "Time", "Library"),
}

LONGEST_RUN_SECONDS = {
    "core": 25,
    "survey": 25,
    "deeper": 40,
    "full": 60,
    "overview": 60,
    "lab": 180,
}
