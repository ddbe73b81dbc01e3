"""Names of modules that this library had and that are elsewhere now, and who says so."""

import importlib.abc

MOVED = {
    "recsys_lib.book": "recsys_book",
    "recsys_lib.book.diagrams": "recsys_book.pictures",
    "recsys_lib.book.sketches": "recsys_book.pictures",
    "recsys_lib.data.cache": "recsys_pipeline.chunks.cache",
    "recsys_lib.data.chunk_folder": "recsys_pipeline.chunks",
    "recsys_lib.data.files": "recsys_pipeline.files",
    "recsys_lib.data.parquet_chunks": "recsys_pipeline.chunks",
    "recsys_lib.data.past": "recsys_lib.data.history",
    "recsys_lib.export": "recsys_pipeline.export",
    "recsys_lib.leaderboard": "recsys_pipeline.leaderboard",
    "recsys_lib.serve": "recsys_pipeline.serve",
    "recsys_lib.train": "recsys_pipeline.train",
    "recsys_lib.training.distributed": "recsys_pipeline.workers",
    "recsys_lib.training.launch": "recsys_pipeline.workers.launch",
    "recsys_lib.training.resampling": "recsys_pipeline.leaderboard.resampling",
}


class Finder(importlib.abc.MetaPathFinder):
    """Says in one line where a module went; first, since a removed folder may have left caches."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname in MOVED:
            new = MOVED[fullname]
            words = "command `recsys`, module" if new.startswith("recsys_pipeline") else "module"
            raise ImportError(
                f"{fullname}: expected its new name, {words} {new}; "
                "`python -m recsys_book work` renews the notebooks in work/"
            )
        return None
