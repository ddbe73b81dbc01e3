"""Data sets: the simulated platform, MovieLens, and sets that are downloaded once."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.data.chunk_folder import FolderWriter, open_folder
    from recsys_lib.data.chunks import ArrayChunks, ChunkedDataset, Chunks
    from recsys_lib.data.dataset import Dataset, Split
    from recsys_lib.data.parquet_chunks import ParquetChunks, write_parquet
    from recsys_lib.data.sessions import divide, session_columns
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = [
    "ArrayChunks",
    "ChunkedDataset",
    "Chunks",
    "Dataset",
    "FolderWriter",
    "ParquetChunks",
    "Split",
    "divide",
    "open_folder",
    "session_columns",
    "write_parquet",
]
