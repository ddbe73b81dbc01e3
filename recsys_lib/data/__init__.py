"""Data sets: the simulated platform, MovieLens, and sets that are downloaded once."""

from recsys_lib.data.dataset import Dataset, Split

__all__ = ["Dataset", "Split"]
