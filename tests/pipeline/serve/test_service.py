"""The service as a process: its command, its latency, and its end under load."""

import asyncio
import http.client
import json
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest
import small_shop
import uvicorn
from uvicorn.server import ServerState

from recsys_pipeline.export import export
from recsys_pipeline.serve import Service, golden_body, measure_latency
from recsys_pipeline.serve.server import Protocol, Server, serve


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return export(small_shop.din(), tmp_path_factory.mktemp("served") / "din", small_shop.dataset())


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "recsys_pipeline", "serve", *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def test_help_comes_at_once():
    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = spent()
    done = command("--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: recsys serve")
    # Of the processor, since the wall clock of a busy machine says nothing.
    assert spent() - before < 0.5


def test_who_serves_needs_no_tensorflow(folder):
    code = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'pandas', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        "from recsys_pipeline.serve import create_application\n"
        f"print(create_application({str(folder)!r}).title)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("din\n", "")


def test_a_folder_that_is_no_export_is_one_line(tmp_path):
    done = command(tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "description of an export" in done.stderr


def test_a_port_that_is_taken_is_one_line(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = command(folder, "--port", taken.getsockname()[1])
    assert done.returncode == 1 and "Address already in use" in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--port", 99999, "port: expected an integer from 0 to 65535, got 99999"),
        ("--threads", 0, "threads: expected an integer of 1 or more, got 0"),
        ("--max-candidates", 0, "max_candidates: expected an integer of 1 or more, got 0"),
        ("--drain", -1, "drain: expected a finite number from 0, got -1.0"),
        ("--max-body", 0, "max_body: expected an integer of 1 or more, got 0"),
        (
            "--receive-timeout",
            0,
            "receive_timeout: expected a finite number from 0 excluding 0, got 0.0",
        ),
    ],
)
def test_an_option_that_cannot_be_meant_is_one_line(folder, option, value, message):
    done = command(folder, option, value)
    assert (done.returncode, done.stderr) == (1, f"{message}\n")


def test_a_port_and_a_time_that_cannot_be_meant_are_refused_first(tmp_path):
    """Before the folder is read, which holds no export."""
    with pytest.raises(ValueError, match="port: expected an integer from 0 to 65535, got 65536"):
        serve(tmp_path, port=65536)
    with pytest.raises(ValueError, match=r"drain: expected a finite number from 0, got -0\.5"):
        serve(tmp_path, port=0, drain=-0.5)


def test_a_service_that_does_not_start_says_why(tmp_path):
    with pytest.raises(ValueError, match=r"service: expected it to start, got .*description"):
        Service(tmp_path)


def test_it_answers_until_it_is_stopped(folder):
    body = golden_body(folder, 5)
    golden = json.loads((folder / "golden.json").read_text())
    with Service(folder, "--drain", "0") as service:
        status, answer = service.ask("/rank", body)
        assert status == 200
        expected = golden["answers"]["click"][:5]
        np.testing.assert_allclose(answer["scores"]["click"], expected, atol=1e-5)
        assert service.ask("/rank", b"{")[0] == 400
        assert service.ask("/health")[0] == 200
        assert "recsys_candidates_total 5.0" in service.ask("/metrics")[1]
        assert service.stop() == 0
        with pytest.raises(ConnectionError):
            service.ask("/health")


def test_a_thousand_candidates_have_a_latency(folder, record_property):
    with Service(folder, "--drain", "0") as service:
        body = golden_body(folder, 1_000)
        assert len(service.ask("/rank", body)[1]["scores"]["click"]) == 1_000
        latency = measure_latency(service.address, body, num_requests=100)
        many = measure_latency(service.address, body, num_requests=100, num_clients=4)
        counted = service.ask("/metrics")[1]
    for name, found in (("one client", latency), ("four clients", many)):
        text = f"p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms, {found.per_second:.0f} a second"
        record_property(name, text)
        print(f"{name}: {text}")
    assert 0 < latency.p50 <= latency.p99 < 2_000
    assert len(latency.milliseconds) == len(many.milliseconds) == 100
    # One by hand, and of each client one that is not timed.
    assert "recsys_candidates_total 206000.0" in counted


def test_the_body_of_an_answer_does_not_wait_for_its_head_to_be_acknowledged(folder):
    with Service(folder, "--drain", "0") as service:
        found = measure_latency(service.address, golden_body(folder, 1), num_requests=80)
    # An acknowledgement is delayed by 40 ms, once a connection has sent a few segments.
    assert found.milliseconds[40:].min() < 35


def test_a_wrong_body_has_no_latency(folder):
    with Service(folder, "--drain", "0") as service:
        with pytest.raises(ValueError, match="measure_latency: expected answers, got 422"):
            measure_latency(service.address, {}, num_requests=2)


class Client(threading.Thread):
    """Asks on a connection that it keeps, until an answer closes it; counts what it sent."""

    def __init__(self, address, body):
        super().__init__()
        parts = urlsplit(address)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self.content, self.sent, self.answered, self.error = json.dumps(body), 0, 0, None

    def run(self):
        try:
            while True:
                self.sent += 1
                self.connection.request("POST", "/rank", self.content)
                answer = self.connection.getresponse()
                found = json.loads(answer.read())
                assert answer.status == 200 and len(found["scores"]["click"]) == 1_000
                self.answered += 1
                if answer.getheader("Connection") == "close":
                    return
        except Exception as error:
            self.error = error
        finally:
            self.connection.close()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_nothing_is_lost_when_it_is_stopped_under_load(folder, name):
    with Service(folder, "--drain", "1.5") as service:
        body = golden_body(folder, 1_000)
        clients = [Client(service.address, body) for _ in range(6)]
        for client in clients:
            client.start()
        while min(client.answered for client in clients) < 3:
            time.sleep(0.01)
        service.process.send_signal(getattr(signal, name))
        time.sleep(0.3)
        # New clients are still taken, and told to go elsewhere.
        assert service.ask("/health")[0] == 503
        late = Client(service.address, body)
        late.start()
        for client in [*clients, late]:
            client.join(60)
        assert service.process.wait(60) == 0
    for client in [*clients, late]:
        assert client.error is None
        assert client.sent == client.answered > 0
    assert late.answered == 1


def test_a_request_in_flight_is_answered_after_the_signal(folder):
    with Service(folder, "--drain", "0") as service:
        parts = urlsplit(service.address)
        body = json.dumps(golden_body(folder, 1_000)).encode()
        with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
            head = f"POST /rank HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body[:100])
            time.sleep(0.3)
            service.process.terminate()
            time.sleep(0.5)
            connection.sendall(body[100:])
            answer = b""
            while part := connection.recv(65_536):
                answer += part
        assert service.process.wait(60) == 0
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert len(json.loads(answer.split(b"\r\n\r\n", 1)[1])["scores"]["click"]) == 1_000


def connected(service):
    parts = urlsplit(service.address)
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def whole(connection):
    """All bytes until the connection is closed, and the seconds that it took."""
    started, found = time.monotonic(), b""
    while part := connection.recv(65_536):
        found += part
    return found, time.monotonic() - started


@pytest.fixture(scope="module")
def impatient(folder):
    with Service(folder, "--drain", "0", "--receive-timeout", "1") as service:
        yield service


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /rank HTT",
        b"POST /rank HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nPOST /rank HTTP/1.1\r\nHo",
        b"POST /rank HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"POST /rank HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
)
def test_half_a_request_is_given_up_with_408(impatient, sent):
    with connected(impatient) as connection:
        # A byte now and then does not keep it.
        for byte in sent:
            connection.sendall(bytes([byte]))
        if sent.startswith(b"GET"):
            time.sleep(0.2)
            connection.sendall(b"st: x")
        found, seconds = whole(connection)
    answer = found[found.rindex(b"HTTP/1.1") :]
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout") and b"within 1 s" in answer
    assert 0.5 < seconds < 30  # of a busy machine


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written, self.closed = b"", False

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        pass

    resume_reading = pause_reading


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([], b"408"),
        ([b"GET /he", b"alth HTTP/1.1\r\nx"], b"408"),
        ([b"GET /health HTTP/1.1\r\n\r\n", b"GET /health HTT"], b"408"),
        ([b"GET /health HTTP/1.1\r\n", b"x: y\r\n" * 20_000], b"431"),
        ([b"POST /rank HTTP/1.1\r\nContent-Length: 9\r\n\r\n"], None),  # its body waits elsewhere
    ],
)
def test_a_head_that_does_not_arrive_closes_its_connection(sent, status):
    async def application(scope, receive, send):
        if scope["method"] == "GET":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})
        else:
            await asyncio.Event().wait()

    async def connect():
        config = uvicorn.Config(application, ws="none", log_level="critical")
        config.load()
        protocol = Protocol(config, ServerState(), {}, seconds=0.1)
        transport = Transport()
        protocol.connection_made(transport)
        for part in sent:
            protocol.data_received(part)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        return transport.written, transport.closed

    written, closed = asyncio.run(connect())
    answer = written[written.rfind(b"HTTP/1.1") :]
    assert closed is (status is not None)
    if status is not None:
        assert answer.startswith(b"HTTP/1.1 " + status)


def test_headers_without_end_are_refused(impatient):
    with connected(impatient) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n" + b"x: %s\r\n" % (b"y" * 70_000))
        found, _ = whole(connection)
    assert found.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("head", [b"Content-Length: 900000000", b"Transfer-Encoding: chunked"])
def test_a_body_that_is_too_long_is_refused_while_it_is_sent(impatient, head):
    """By what its head says, before a byte of it was sent; or once so much has arrived."""
    with connected(impatient) as connection:
        connection.sendall(b"POST /rank HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        if b"chunked" in head:
            for _ in range(5):
                connection.sendall(b"100000\r\n" + b" " * 2**20 + b"\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 413 ") and b"at most 2097152 bytes" in answer
        connection.sendall(b" " * 2**20)  # is read, so that who sends first sees the answer


@pytest.mark.parametrize(
    "sent", [b"POST /rank HT", b"POST /rank HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"]
)
def test_half_a_request_does_not_hold_up_the_end(folder, sent):
    with Service(folder, "--drain", "0", "--receive-timeout", "600") as service:
        with connected(service) as connection:
            connection.sendall(sent)
            time.sleep(0.3)
            started = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - started < 60
            whole(connection)


@pytest.fixture
def server():
    arrivals = SimpleNamespace(hasten=lambda: None)
    application = SimpleNamespace(state=SimpleNamespace(draining=False, arrivals=arrivals))
    config = SimpleNamespace(
        app=application, limit_max_requests=None, server_header=False, date_header=False
    )
    config.encoded_headers, config.callback_notify = [], None
    return Server(config, drain=60.0)


def test_the_first_signal_drains_and_the_second_stops(server):
    assert not asyncio.run(server.on_tick(1))
    server.handle_exit(signal.SIGTERM, None)
    assert server.config.app.state.draining and not server.should_exit
    assert not asyncio.run(server.on_tick(1))
    server.handle_exit(signal.SIGTERM, None)
    assert server.should_exit and server.force_exit


def test_the_server_stops_when_the_time_is_over(server, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr("recsys_pipeline.serve.server.time.monotonic", lambda: now)
    server.handle_exit(signal.SIGTERM, None)
    monkeypatch.setattr("recsys_pipeline.serve.server.time.monotonic", lambda: now + 59)
    assert not asyncio.run(server.on_tick(1)) and not server.should_exit
    monkeypatch.setattr("recsys_pipeline.serve.server.time.monotonic", lambda: now + 60)
    assert asyncio.run(server.on_tick(1)) and server.should_exit
    assert not server.force_exit
