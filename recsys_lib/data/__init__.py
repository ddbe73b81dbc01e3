"""Data sets: the simulated platform, MovieLens, and sets that are downloaded once."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.data.chunks import ChunkedDataset, Chunks
    from recsys_lib.data.dataset import Dataset, Split
    from recsys_lib.data.sessions import divide, session_columns
    from recsys_lib.data.splits import pages
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
