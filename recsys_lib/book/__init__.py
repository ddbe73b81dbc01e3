"""The book's machinery: claims that a lesson checks, the environment check, builds and checks.

In a lesson: ``from recsys_lib.book import claim, claims_table``. On the command line:
``python -m recsys_lib.book --help``.
"""

from recsys_lib.book.claims import ClaimFailed, claim, claims_table
from recsys_lib.book.environment import check_env

__all__ = ["ClaimFailed", "check_env", "claim", "claims_table"]
