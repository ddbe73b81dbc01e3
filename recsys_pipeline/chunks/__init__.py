"""Data larger than memory: folders of memory-mapped chunks, Parquet files, caches."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_pipeline.chunks.folder import FolderWriter, open_folder
    from recsys_pipeline.chunks.parquet import ParquetChunks, write_parquet
    from recsys_pipeline.chunks.reading import ArrayChunks, ReadAheadChunks, in_chunks
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
