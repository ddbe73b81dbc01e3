"""What authors, instructors and CI run: builds, checks, the ledger, the start page, grading.

``python -m bookmaker --help`` lists the commands. Lessons import nothing of it.
"""
