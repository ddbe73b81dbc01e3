"""Read your files as a ``Dataset``: CSV, TSV, libsvm, libffm and Parquet, one file or many.

``load`` reads them by a description file, ``data.toml``, or by its arguments. The encoding (which
ids are known, mean and standard deviation of numbers, bins) is fitted to training rows alone.

    recsys describe FILE ...                a first data.toml, by looking at the data
    recsys check data.toml                  rows, labels, ids, and how many ids are unknown
    recsys train data.toml --model deepfm   a model, its scores, its predictions
    recsys leaderboard FILE [VALID TEST]    many models for one label
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_pipeline.files.encoders import encode_rows
    from recsys_pipeline.files.loading import load
    from recsys_pipeline.files.suggesting import suggest
    from recsys_pipeline.files.tables import FileDataset, describe, encoders_from
else:
    from recsys_lib.lazy import lazy_exports

    __getattr__, __dir__, __all__ = lazy_exports(__name__)
