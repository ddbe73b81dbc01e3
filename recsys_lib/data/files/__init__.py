"""Files of yours as a ``Dataset``: CSV, TSV, libsvm, libffm and Parquet, one file or many.

``load`` reads them by a description file, ``data.toml``, or by its arguments. What is fitted to
data (which ids are known, mean and spread of numbers, bins) is fitted to training rows alone.

    python -m recsys_lib.data describe FILE ...           a first data.toml, by looking at the data
    python -m recsys_lib.data data.toml                   what is in it, and how much is unknown
    python -m recsys_lib.train data.toml --model deepfm   a model, its scores, its predictions
    python -m recsys_lib.leaderboard FILE [VALID TEST]    many models for one label
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys_lib.data.files.encoders import encode_rows
    from recsys_lib.data.files.loading import load
    from recsys_lib.data.files.suggesting import suggest
    from recsys_lib.data.files.tables import FileDataset, describe, encoders_from
else:
    from recsys_lib.lazy import face

    __getattr__, __dir__ = face(__name__)

__all__ = ["FileDataset", "describe", "encode_rows", "encoders_from", "load", "suggest"]
