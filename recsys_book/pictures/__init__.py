"""Pictures of models: sketches whose boxes are placed by hand.

from recsys_book.pictures import family, sketch

sketch("din")      # one model; sketch("din", model) with the shapes of your own
family("gates")    # Shared-Bottom, OMoE, MMoE and CGC side by side

A sketch is checked against the built model, and so are the pictures of flows.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_book.pictures.families import family
    from recsys_book.pictures.flow_pictures import (
        days_way,
        request_way,
        serving_way,
    )
    from recsys_book.pictures.picture import Picture
    from recsys_book.pictures.plan import Plan
    from recsys_book.pictures.registry import sketch
    from recsys_book.pictures.sketching import checked
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
