"""Programs of authors, instructors and CI: builds, checks, the ledger, the start page, grading.

``python -m bookmaker --help`` lists the commands. Lessons import nothing of it.
"""

PACKAGES = ("recsys_lib", "recsys_book", "recsys_pipeline")
"""The packages that readers install; whatever walks them (inputs, selection, records, docstrings,
names, arrows, doctests, types, wheel, container, the grader's sandbox) reads this."""
