"""Fetch a registered data set: resumed, verified after arrival, unpacked in one step.

``python -m recsys_lib.data.download kuairand_pure`` from a shell, ``fetch("kuairand_pure")`` from
Python. Whatever goes wrong ends in one ``DataUnavailable`` and nothing half-written under a final
name: bytes gather in ``ARCHIVE.part``, files in a temporary folder, and both are renamed when
whole. Who asks for a set that another process is fetching waits for it.
"""

import argparse
import errno
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

import pooch
import requests
from tqdm import tqdm

from recsys_lib.data import registry
from recsys_lib.data.registry import DataUnavailable
from recsys_lib.locks import locked

CHUNK_BYTES = 1 << 16
TIMEOUT_SECONDS = 30
WAIT_SECONDS = 3600
_CUTS = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


class _Download:
    """Gathers an archive in a part file, from where an earlier try stopped, by HTTP ranges.

    Args:
        entry: the registry's entry, for address, size and checksum.
        part: file that gathers the bytes and survives a cut connection.
        progressbar: show a bar on a terminal's stderr while bytes arrive.
    """

    def __init__(self, entry, part, progressbar):
        self.entry, self.part, self.progressbar = entry, part, progressbar

    def run(self, attempts):
        """Up to so many requests, each from the last byte of the one before; then the checksum."""
        url = self.entry.url
        _check_room(self.part.parent, self.entry.size - _size(self.part), self.entry.archive_name)
        for attempt in range(attempts):
            try:
                self._receive(url)
                break
            except _CUTS as error:
                cut = error
            except requests.RequestException as error:
                raise DataUnavailable(f"{url}: the request failed: {error}") from error
            if attempt + 1 == attempts:
                raise DataUnavailable(
                    f"{url}: the connection was cut: expected {self.entry.size} bytes, got "
                    f"{_size(self.part)}; they are kept in {self.part}: run the same command "
                    "again to go on from there"
                ) from cut
        self._verify(url)

    def _receive(self, url):
        """Append what is missing to the part file."""
        have = _size(self.part)
        if have == self.entry.size:
            return
        if have > self.entry.size:
            self.part.unlink()
            have = 0
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
            if response.status_code not in (200, 206):
                raise DataUnavailable(
                    f"{url}: expected HTTP status 200 or 206, got {response.status_code} "
                    f"{response.reason}; see data/README.md for other ways to get "
                    f"{self.entry.archive_name}"
                )
            start = _range_start(response)
            if start not in (0, have):
                raise DataUnavailable(
                    f"{url}: expected bytes from {have} on, got bytes from {start} on"
                )
            # A short body must not raise here, which would lose its last bytes; sizes are compared
            # below.
            response.raw.enforce_content_length = False
            bar = tqdm(
                total=self.entry.size,
                initial=start,
                unit="B",
                unit_scale=True,
                desc=self.entry.archive_name,
                leave=False,
                disable=None if self.progressbar else True,  # None: only on a terminal
            )
            with open(self.part, "ab") as file, bar:
                if start < have:  # the server ignores ranges and sends everything: begin again
                    file.truncate(start)
                received = start
                for chunk in response.iter_content(CHUNK_BYTES):
                    file.write(chunk)
                    received += len(chunk)
                    bar.update(len(chunk))
                    if received > self.entry.size:
                        break
        if received < self.entry.size:
            raise requests.ConnectionError(f"the stream ended after {received} bytes")

    def _verify(self, url):
        actual_size = _size(self.part)
        algorithm, expected = self.entry.checksum.split(":")
        actual = pooch.file_hash(str(self.part), alg=algorithm)
        if (actual_size, actual) != (self.entry.size, expected):
            self.part.unlink()
            raise DataUnavailable(
                f"{url}: {self.entry.archive_name} is not the registered file: expected "
                f"{self.entry.size} bytes with {algorithm} {expected}, got "
                f"{actual_size}{' or more' if actual_size > self.entry.size else ''} bytes with "
                f"{algorithm} {actual}; the bytes were removed: run the same command again, and "
                "if the message stays, the source has changed"
            )


def fetch(name, progressbar=True, attempts=3):
    """Download, verify and unpack a registered data set, unless it is there already.

    Returns:
        The folder of the set in its official layout.

    Raises:
        ValueError: the registry has no such name.
        DataUnavailable: cut connection (the bytes so far are kept for the next call), refused
            request, wrong size or checksum, full disk, an archive without the official layout, or
            a folder of that set which lacks a file.
    """
    entry = registry.entry(name)
    found = registry.find(name)
    if found:
        return found
    cache = registry.cache_folder()
    final = cache / entry.folders[0]
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = locked(cache / f".{name}.lock", WAIT_SECONDS, waiting=lambda: _say_waiting(name))
        with lock:
            found = registry.find(name)
            if found:  # whoever held the lock has fetched it
                return found
            _remove_leftovers(entry, cache)
            archive = _fetch_archive(entry, cache, progressbar, attempts)
            _unpack(entry, archive, final)
            archive.unlink()
    except TimeoutError as error:
        raise DataUnavailable(f"{name}: another process is fetching it: {error}") from error
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise DataUnavailable(
            f"{name}: {reason} while writing {entry.archive_name} ({entry.size} bytes) or its "
            f"files to {cache}; make room and run the same command again"
        ) from error
    return final


def _say_waiting(name):
    print(f"{name}: another process is fetching it; waiting for it", file=sys.stderr)


def _remove_leftovers(entry, cache):
    """Files that a killed process left beside its part file, from which the next one goes on."""
    for folder in cache.glob(f".unpack-{entry.name}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _fetch_archive(entry, cache, progressbar, attempts):
    archive = cache / entry.archive_name
    algorithm, expected = entry.checksum.split(":")
    # A whole archive is there if its process was killed while it unpacked.
    if not archive.exists() or pooch.file_hash(str(archive), alg=algorithm) != expected:
        part = cache / f"{entry.archive_name}.part"
        _Download(entry, part, progressbar).run(attempts)
        os.replace(part, archive)
    return archive


def _unpack(entry, archive, final):
    """Unpack into a temporary folder beside ``final``, check the layout, rename."""
    prefix = f".unpack-{entry.name}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=final.parent) as temporary:
        try:
            for path, stream in _members(archive):
                target = Path(temporary, *path.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with stream as source, open(target, "wb") as file:
                    shutil.copyfileobj(source, file, CHUNK_BYTES)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            raise DataUnavailable(f"{archive}: not a readable archive: {error}") from error
        folder = Path(temporary, entry.folders[0])
        missing = entry.missing_files(folder)
        if missing:
            raise DataUnavailable(
                f"{archive}: expected {entry.folders[0]}/ with {', '.join(missing)}, found "
                f"{sorted(path.name for path in Path(temporary).iterdir())}"
            )
        os.replace(folder, final)


def _members(archive):
    """Path and stream of each file in a zip or tar archive.

    Raises:
        DataUnavailable: a member that would land outside the folder, or is not a plain file.
    """
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                path = _safe_path(archive, member.filename)
                if not member.is_dir():
                    yield path, file.open(member)
        return
    with tarfile.open(archive) as file:
        for member in file:
            path = _safe_path(archive, member.name)
            if member.isfile():
                yield path, file.extractfile(member)
            elif not member.isdir():
                raise DataUnavailable(
                    f"{archive}: expected files and folders, got {member.name!r}, a link or device"
                )


def _safe_path(archive, name):
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise DataUnavailable(f"{archive}: expected paths inside the archive, got {name!r}")
    return path


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _range_start(response):
    """Where the body begins: 0 for status 200, the stated first byte for 206."""
    if response.status_code == 200:
        return 0
    stated = response.headers.get("Content-Range", "")
    try:
        return int(stated.removeprefix("bytes ").split("-")[0])
    except ValueError:
        raise DataUnavailable(
            f"{response.url}: expected a header such as 'Content-Range: bytes 10-99/100', got "
            f"{stated!r}"
        ) from None


def _check_room(folder, needed, archive_name):
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataUnavailable(
            f"{archive_name}: the disk is full: expected {needed} free bytes in {folder}, got "
            f"{free}; make room and run the same command again"
        )


def main(arguments=None):
    """Command line: fetch the named sets and print where they lie."""
    parser = argparse.ArgumentParser(prog="python -m recsys_lib.data.download", description=__doc__)
    parser.add_argument("names", nargs="+", choices=tuple(registry.ENTRIES), metavar="NAME")
    for name in parser.parse_args(arguments).names:
        try:
            print(f"{name}: {fetch(name)}")
        except DataUnavailable as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
