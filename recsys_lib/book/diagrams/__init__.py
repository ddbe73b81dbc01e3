"""Pictures of models: ``diagram`` of any built model, and what the sketches are made with.

from recsys_lib.book.diagrams import diagram

diagram(model)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.book.diagrams.automatic import diagram
    from recsys_lib.book.diagrams.picture import Picture
    from recsys_lib.book.diagrams.plan import Plan
    from recsys_lib.book.diagrams.sketching import checked
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = ["Picture", "Plan", "checked", "diagram"]
