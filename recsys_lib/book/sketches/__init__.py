"""Sketches of the book's models, placed by hand and checked against the built model.

from recsys_lib.book.sketches import family, sketch

sketch("din")      # one model; sketch("din", model) with the shapes of your own
family("gates")    # Shared-Bottom, OMoE, MMoE and CGC side by side
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.book.sketches.families import family
    from recsys_lib.book.sketches.registry import sketch
    from recsys_lib.book.sketches.ways import (
        Lesson,
        book_map,
        days_way,
        request_way,
        serving_way,
    )
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = ["Lesson", "book_map", "days_way", "family", "request_way", "serving_way", "sketch"]
