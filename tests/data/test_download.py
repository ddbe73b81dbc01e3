"""Downloads from a server on this machine that cuts, lies and refuses."""

import dataclasses
import errno
import hashlib
import http.server
import io
import os
import tarfile
import threading
import time
import types
import zipfile

import pytest

from recsys_lib.data import download, registry
from recsys_lib.data.registry import DataUnavailable
from recsys_lib.locks import locked

FILES = {"tiny/u.data": b"1\t2\t5\t100\n" * 5000, "tiny/u.user": os.urandom(40_000)}


def make_zip(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def make_tar(files, link=None):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
    return buffer.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.ranges.append(self.headers.get("Range"))
        server.may_answer.wait(30)
        if server.status != 200:
            self.send_error(server.status)
            return
        body, start = server.body, 0
        if self.headers.get("Range") and server.honours_ranges:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            stated = f"bytes {start + server.range_shift}-{len(body) - 1}/{len(body)}"
            self.send_header("Content-Range", stated)
        else:
            self.send_response(200)
        if server.sends_length:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = len(body) if server.cut_after is None else min(start + server.cut_after, len(body))
        self.wfile.write(body[start:end])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A registered set on a local server whose vices a test switches on."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.honours_ranges, server.cut_after = 200, True, None
    server.sends_length, server.range_shift, server.ranges = True, 0, []
    server.may_answer = threading.Event()
    server.may_answer.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    cache = tmp_path / "cache"
    monkeypatch.delenv(registry.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # a proxy of the environment must not be asked
    monkeypatch.setattr(registry, "cache_folder", lambda: cache)

    def register(body, archive_name="tiny.zip", **changes):
        server.body = body
        entry = registry.Entry(
            name="tiny",
            url=f"http://127.0.0.1:{server.server_address[1]}/{archive_name}",
            size=len(body),
            checksum=f"md5:{hashlib.md5(body).hexdigest()}",
            licence="none",
            citation="none",
            folders=("tiny",),
            required_files=("u.data", "u.user"),
        )
        monkeypatch.setitem(registry.ENTRIES, "tiny", dataclasses.replace(entry, **changes))

    yield types.SimpleNamespace(
        server=server, cache=cache, register=register, part=cache / "tiny.zip.part"
    )
    server.shutdown()
    thread.join()
    server.server_close()


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("make", "archive_name"), [(make_zip, "tiny.zip"), (make_tar, "tiny.tar.gz")]
)
def test_a_whole_archive_is_unpacked_and_nothing_else_is_left(served, capfd, make, archive_name):
    served.register(make(FILES), archive_name)
    folder = download.fetch("tiny")
    for name, content in FILES.items():
        assert (folder.parent / name).read_bytes() == content
    assert contents(served.cache) == ["tiny"]
    assert capfd.readouterr() == ("", "")
    assert registry.locate("tiny") == folder


def test_a_second_fetch_asks_no_server(served):
    served.register(make_zip(FILES))
    download.fetch("tiny")
    served.server.status = 500
    download.fetch("tiny")
    assert len(served.server.ranges) == 1


def test_two_fetches_at_once_ask_the_server_once(served, capfd):
    served.register(make_zip(FILES))
    served.server.may_answer.clear()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(download.fetch("tiny"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    told = ""
    deadline = time.monotonic() + 30
    while "waiting" not in told and time.monotonic() < deadline:
        time.sleep(0.01)
        told += capfd.readouterr().err
    served.server.may_answer.set()
    for thread in threads:
        thread.join()
    assert told == "tiny: another process is fetching it; waiting for it\n"
    assert found == [served.cache / "tiny"] * 2
    assert len(served.server.ranges) == 1
    assert contents(served.cache) == ["tiny"]


def test_the_second_of_two_fetches_goes_on_where_the_first_was_cut(served):
    served.register(make_zip(FILES))
    served.server.cut_after = 20_000
    with pytest.raises(DataUnavailable, match="the connection was cut"):
        download.fetch("tiny", attempts=1)
    served.server.cut_after = None
    assert download.fetch("tiny") == served.cache / "tiny"
    assert served.server.ranges == [None, "bytes=20000-"]


def test_who_waits_for_another_fetch_too_long_is_told_which_file_holds_it(served, monkeypatch):
    served.register(make_zip(FILES))
    served.cache.mkdir()
    monkeypatch.setattr(download, "WAIT_SECONDS", 0.1)
    with locked(served.cache / ".tiny.lock", seconds=1):
        with pytest.raises(DataUnavailable, match=r"expected \.tiny\.lock to be free within"):
            download.fetch("tiny")
    assert served.server.ranges == []


def test_what_a_killed_fetch_has_left_is_used_or_removed(served):
    body = make_zip(FILES)
    served.register(body)
    half = served.cache / ".unpack-tiny-killed" / "tiny"
    half.mkdir(parents=True)
    (half / "u.data").write_bytes(b"half")
    (served.cache / ".unpack-other-running").mkdir()
    (served.cache / "tiny.zip").write_bytes(body)
    assert download.fetch("tiny") == served.cache / "tiny"
    assert served.server.ranges == []
    assert contents(served.cache) == [".unpack-other-running", "tiny"]


def test_a_broken_archive_of_a_killed_fetch_is_fetched_again(served):
    served.register(make_zip(FILES))
    served.cache.mkdir()
    (served.cache / "tiny.zip").write_bytes(b"half")
    assert download.fetch("tiny") == served.cache / "tiny"
    assert served.server.ranges == [None]
    assert contents(served.cache) == ["tiny"]


@pytest.mark.parametrize("sends_length", [True, False])
def test_a_cut_connection_keeps_the_part_and_the_next_call_resumes(served, sends_length):
    body = make_zip(FILES)
    served.register(body)
    served.server.cut_after, served.server.sends_length = 30_000, sends_length
    message = rf"tiny\.zip: the connection was cut: expected {len(body)} bytes, got 30000;.*again"
    with pytest.raises(DataUnavailable, match=message):
        download.fetch("tiny", attempts=1)
    assert contents(served.cache) == ["tiny.zip.part"]
    served.server.cut_after = None
    folder = download.fetch("tiny")
    assert served.server.ranges == [None, "bytes=30000-"]
    assert (folder / "u.user").read_bytes() == FILES["tiny/u.user"]


def test_one_call_goes_on_by_itself_after_cuts(served):
    served.register(make_zip(FILES))
    served.server.cut_after = 40_000
    download.fetch("tiny", attempts=3)
    assert served.server.ranges == [None, "bytes=40000-", "bytes=80000-"]


def test_a_server_that_ignores_ranges_is_read_from_the_start(served):
    served.register(make_zip(FILES))
    served.cache.mkdir()
    served.part.write_bytes(b"x" * 1000)
    served.server.honours_ranges = False
    download.fetch("tiny")
    assert served.server.ranges == ["bytes=1000-"]
    assert contents(served.cache) == ["tiny"]


def test_a_range_that_begins_elsewhere_is_refused(served):
    body = make_zip(FILES)
    served.register(body)
    served.cache.mkdir()
    served.part.write_bytes(body[:1000])
    served.server.range_shift = 7
    with pytest.raises(DataUnavailable, match="expected bytes from 1000 on, got bytes from 1007"):
        download.fetch("tiny")


def test_wrong_bytes_are_removed_and_named(served):
    body = make_zip(FILES)
    served.register(body)
    served.server.body = body[:-1] + b"!"
    expected, actual = (hashlib.md5(data).hexdigest() for data in (body, served.server.body))
    with pytest.raises(DataUnavailable, match=rf"tiny\.zip.*expected .*{expected}, got .*{actual}"):
        download.fetch("tiny")
    assert contents(served.cache) == []


def test_a_file_that_is_too_long_is_removed(served):
    served.register(make_zip(FILES))
    served.server.body += b"more"
    with pytest.raises(DataUnavailable, match="not the registered file"):
        download.fetch("tiny")
    assert contents(served.cache) == []


def test_a_stale_part_of_other_bytes_ends_in_a_checksum_error_then_in_success(served):
    served.register(make_zip(FILES))
    served.cache.mkdir()
    served.part.write_bytes(b"x" * 1000)
    with pytest.raises(DataUnavailable, match="not the registered file"):
        download.fetch("tiny")
    download.fetch("tiny")
    assert contents(served.cache) == ["tiny"]


def test_a_part_that_is_too_long_is_begun_again(served):
    body = make_zip(FILES)
    served.register(body)
    served.cache.mkdir()
    served.part.write_bytes(body + b"more")
    download.fetch("tiny")
    assert served.server.ranges == [None]


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusal_names_address_and_status(served, status):
    served.register(make_zip(FILES))
    served.server.status = status
    with pytest.raises(DataUnavailable, match=rf"127\.0\.0\.1.*expected HTTP .*got {status}"):
        download.fetch("tiny")
    assert contents(served.cache) == []


def test_no_server_at_all_is_a_cut_connection(served):
    served.register(make_zip(FILES), url="http://127.0.0.1:9/tiny.zip")
    with pytest.raises(DataUnavailable, match=r"the connection was cut: expected .* got 0"):
        download.fetch("tiny", attempts=1)


def test_too_little_room_is_found_before_the_first_byte(served, monkeypatch):
    served.register(make_zip(FILES))
    usage = types.SimpleNamespace(free=1000)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DataUnavailable, match=r"the disk is full: expected \d+ free .*got 1000"):
        download.fetch("tiny")
    assert served.server.ranges == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device /dev/full")
def test_a_disk_that_fills_while_bytes_arrive(served):
    served.register(make_zip(FILES))
    served.cache.mkdir()
    served.part.symlink_to("/dev/full")
    with pytest.raises(DataUnavailable, match=r"tiny: the disk is full while writing tiny\.zip"):
        download.fetch("tiny")
    assert not (served.cache / "tiny.zip").exists()
    assert not (served.cache / "tiny").exists()


def test_a_disk_that_fills_while_files_are_unpacked(served, monkeypatch):
    served.register(make_zip(FILES))

    def full(source, target, length):
        target.write(b"half a file")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.shutil, "copyfileobj", full)
    with pytest.raises(DataUnavailable, match="the disk is full"):
        download.fetch("tiny")
    assert contents(served.cache) == ["tiny.zip"]
    monkeypatch.undo()


@pytest.mark.parametrize("name", ["../evil", "/evil", "tiny/../../evil", "tiny\\..\\evil"])
@pytest.mark.parametrize(
    ("make", "archive_name"), [(make_zip, "tiny.zip"), (make_tar, "tiny.tar.gz")]
)
def test_members_outside_the_archive_are_refused(served, tmp_path, name, make, archive_name):
    served.register(make({**FILES, name: b"evil"}), archive_name)
    with pytest.raises(DataUnavailable, match=r"expected paths inside the archive, got .*evil"):
        download.fetch("tiny")
    assert contents(served.cache) == [archive_name]
    assert not list(tmp_path.rglob("evil"))


def test_links_in_an_archive_are_refused(served):
    served.register(make_tar(FILES, link="tiny/link"), "tiny.tar.gz")
    with pytest.raises(DataUnavailable, match="got 'tiny/link', a link or device"):
        download.fetch("tiny")


def test_an_archive_without_the_official_layout_is_named(served):
    served.register(make_zip({"tiny/u.data": b"1"}))
    with pytest.raises(DataUnavailable, match=r"expected tiny/ with u\.user"):
        download.fetch("tiny")
    assert not (served.cache / "tiny").exists()


def test_bytes_that_are_no_archive_are_named(served):
    served.register(b"<html>Sign in first</html>")
    with pytest.raises(DataUnavailable, match="not a readable archive"):
        download.fetch("tiny")


def test_the_command_prints_the_folder_or_one_error(served, capsys):
    served.register(make_zip(FILES))
    assert download.main(["tiny"]) == 0
    assert capsys.readouterr().out == f"tiny: {served.cache / 'tiny'}\n"
    (served.cache / "tiny" / "u.user").unlink()
    assert download.main(["tiny"]) == 1
    assert "u.user" in capsys.readouterr().err
