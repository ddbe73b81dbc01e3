"""Data sets that are downloaded once, and where they lie on this machine.

Nothing here touches the network: ``locate`` looks and says what is missing,
``recsys_lib.data.download`` fetches.
"""

import dataclasses
import os
from pathlib import Path

ENVIRONMENT_VARIABLE = "RECSYS_DATA"
"""Names a folder with data sets that are already there; looked at before the local cache."""


class DataUnavailable(RuntimeError):
    """A data set is not there, or could not be fetched; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One downloadable data set.

    Args:
        name: name used by ``locate`` and ``fetch``.
        url: canonical address of the archive.
        size: bytes of the archive.
        checksum: ``"md5:..."`` of the archive.
        licence: terms in one line.
        citation: paper to cite.
        folders: names that the unpacked folder may have; the first is the archive's own.
        required_files: paths inside the folder without which nothing can be read.
        any_of: paths of which at least one must be there.
    """

    name: str
    url: str
    size: int
    checksum: str
    licence: str
    citation: str
    folders: tuple
    required_files: tuple
    any_of: tuple = ()

    @property
    def archive_name(self):
        return self.url.rsplit("/", 1)[-1]

    def missing_files(self, folder):
        """List the paths of the official layout that ``folder`` lacks."""
        missing = [path for path in self.required_files if not (folder / path).is_file()]
        if self.any_of and not any((folder / path).is_file() for path in self.any_of):
            missing.append(" or ".join(self.any_of))
        return missing


_HARPER_KONSTAN = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5(4), 19:1-19:19. "
    "https://doi.org/10.1145/2827872"
)
_GROUPLENS = (
    "GroupLens research licence: no redistribution and no commercial use without permission; "
    "acknowledge in publications (README in the archive)"
)

ENTRIES = {
    entry.name: entry
    for entry in (
        Entry(
            name="ml-100k",
            url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
            size=4_924_029,
            checksum="md5:0e33842e24a9c977be4e0107933c0723",
            licence=_GROUPLENS,
            citation=_HARPER_KONSTAN,
            folders=("ml-100k",),
            required_files=("u.data", "u.item", "u.user"),
        ),
        Entry(
            name="ml-1m",
            url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
            size=5_917_549,
            checksum="md5:c4d9eecfca2ab87c1945afe126590906",
            licence=_GROUPLENS,
            citation=_HARPER_KONSTAN,
            folders=("ml-1m",),
            required_files=("ratings.dat", "movies.dat", "users.dat"),
        ),
        Entry(
            name="kuairand_pure",
            url="https://zenodo.org/records/10439422/files/KuaiRand-Pure.tar.gz",
            size=47_432_272,
            checksum="md5:0820331067a3784d9691136f772b35a7",
            licence="CC BY-SA 4.0",
            citation=(
                "Chongming Gao, Shijun Li, Yuan Zhang, Jiawei Chen, Biao Li, Wenqiang Lei, Peng "
                "Jiang and Xiangnan He. 2022. KuaiRand: An Unbiased Sequential Recommendation "
                "Dataset with Randomly Exposed Videos. CIKM '22, 3953-3957. "
                "https://doi.org/10.1145/3511808.3557624"
            ),
            folders=("KuaiRand-Pure", "kuairand_pure"),
            required_files=("data/user_features_pure.csv", "data/video_features_basic_pure.csv"),
            any_of=(
                "data/log_standard_4_08_to_4_21_pure.csv",
                "data/log_standard_4_22_to_5_08_pure.csv",
            ),
        ),
    )
}


def entry(name):
    """The registry's entry of that name; raises ``ValueError`` where there is none."""
    if name not in ENTRIES:
        raise ValueError(f"data set: expected one of {tuple(ENTRIES)}, got {name!r}")
    return ENTRIES[name]


def cache_folder():
    """Where downloads go: ``data/cache`` of a checkout, else the user's cache folder."""
    data = Path(__file__).resolve().parents[2] / "data"
    if (data.parent / "pyproject.toml").is_file() and data.is_dir():
        return data / "cache"
    import pooch

    return Path(pooch.os_cache("recsys_lib"))


def find(name):
    """The folder of a data set in its official layout, where ``RECSYS_DATA`` or the cache has it.

    Raises:
        ValueError: the registry has no such name.
        DataUnavailable: a folder of the set lacks a file, or ``RECSYS_DATA`` names no folder.
    """
    found = entry(name)
    for root in _roots():
        for folder in found.folders:
            if (root / folder).is_dir():
                missing = found.missing_files(root / folder)
                if missing:
                    raise DataUnavailable(
                        f"{name}: {root / folder} lacks {', '.join(missing)}; restore the file or "
                        f"remove the folder and run {_command(name)}"
                    )
                return root / folder
    return None


def locate(name):
    """As ``find``; a set that is not there is ``DataUnavailable``, and how to get it is said."""
    folder = find(name)
    if folder is None:
        found = entry(name)
        raise DataUnavailable(
            f"{name}: not found in {' or '.join(str(root) for root in _roots())}; get it with "
            f"{_command(name)} ({found.size / 1e6:.1f} MB), or set {ENVIRONMENT_VARIABLE} to the "
            f"folder that holds {found.folders[0]}/"
        )
    return folder


def _roots():
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if not named:
        return [cache_folder()]
    if not Path(named).is_dir():
        raise DataUnavailable(f"{ENVIRONMENT_VARIABLE}: expected a folder, got {named!r}")
    return [Path(named), cache_folder()]


def _command(name):
    return f"`python -m recsys_lib.data.download {name}`"
