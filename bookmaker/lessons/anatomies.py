"""Anatomies: which headings and labels a lesson needs, and how long it may run.

A model's lesson is a ``core``, a chapter's comparison a ``survey``; what goes further stands in a
companion, ``deeper``; a ``lab`` is on data that not every machine has.
"""

CHECKED = "Checked sentences"
"""The heading above the block of checked sentences; a companion without any has none."""

MEASURED = "How this was measured"
"""The heading above the folded evidence of a core lesson."""

ANSWER = "answer"
"""The tag of cells whose outputs answer a guess: the committed notebook does not hold them."""

WALK = "One example"
"""The heading above the example that walks through a model."""

MODEL = "The whole model"
"""The heading above a core lesson's model; a lesson that trains none has neither."""

SHORT = "In short"
"""The heading above a core lesson's or a survey's decision box and its sentences."""

HEADINGS = {
    "core": (WALK, MODEL, SHORT),
    "survey": (SHORT,),
    "deeper": (),
    "lab": ("References",),
}
"""Those that a lesson cannot do without; all others are free."""

HEADER_LABELS = {
    "core": ("Question", "Prerequisites", "Time", "Library"),
    "survey": ("Question", "Prerequisites", "Time", "Library"),
    "deeper": ("Question", "Time", "Library"),
    "lab": ("Question", "Data", "Prerequisites", "Time", "Library"),
}

LONGEST_RUN_SECONDS = {
    "core": 25,
    "survey": 25,
    "deeper": 40,
    "lab": 180,
}
