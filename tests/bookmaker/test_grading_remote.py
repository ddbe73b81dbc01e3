"""The line to a student's process: values cross it unchanged, and nothing else gets through."""

import io
import json
import socket
import threading

import numpy as np
import pytest

from bookmaker.grading import remote
from bookmaker.grading.remote import Endpoint, Opaque, ProtocolError, RemoteError, decode, encode


def crossed(value):
    """What arrives, by way of the text that stands on the line."""
    return decode(json.loads(json.dumps(encode(value))))


def same(one, other):
    if isinstance(one, np.ndarray | np.generic):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, tuple | list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    else:
        assert one == other or (one != one and other != other)
    assert type(one) is type(other)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, -(10**30), 0.1, float("nan"), float("-inf"), "ü\n", "", Ellipsis),
        *(b"\x00\xff", 1 + 2j, {1, 2}, [], (), {}, [1, (2.0, "x"), {"k": [None]}]),
        {("a", 1): np.arange(3), 2: "two", None: False},
        *(np.float64(0.1), np.int32(-5), np.bool_(True), np.float32(2.5)),
        np.arange(12).reshape(3, 4).T,
        np.zeros((0, 3), np.float32),
        np.array(3.5),
        np.array([True, False]),
        np.array([1.5, np.nan, -np.inf]),
        np.array([[1 + 1j]]),
        np.array(["a", "ü"]),
        np.arange(3, dtype=np.uint8)[::-1],
    ],
    ids=repr,
)
def test_a_value_arrives_as_it_was(value):
    same(value, crossed(value))


def test_bytes_in_another_order_arrive_as_numbers():
    arrived = crossed(np.arange(3, dtype=">i4"))
    assert arrived.dtype == np.int32 and arrived.tolist() == [0, 1, 2]


def test_an_array_that_arrives_may_be_written_to():
    arrived = crossed(np.zeros(3))
    arrived[0] = 1
    assert arrived.tolist() == [1, 0, 0]


class Liar(float):
    __eq__ = __ge__ = __le__ = lambda self, other: True
    __hash__ = float.__hash__


class LyingArray(np.ndarray):
    def __array_ufunc__(self, *arguments, **options):
        return np.array(True)


class LyingDict(dict):
    def __getitem__(self, key):
        return 42


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Liar(2), 2.0),
        (np.zeros(2).view(LyingArray), np.zeros(2)),
        (LyingDict(a=1), {"a": 1}),
        (range(3), np.arange(3)),
        (np.ma.masked_array([1.0, 2.0], [True, False]), np.array([1.0, 2.0])),
    ],
)
def test_of_a_class_of_its_own_only_the_plain_value_arrives(value, plain):
    same(plain, crossed(value))


@pytest.mark.parametrize(
    "value", [object(), (i for i in ()), np.array([object()]), np.array([b"x"])]
)
def test_what_is_no_value_arrives_as_text(value):
    assert type(crossed(value)) is Opaque


def test_an_array_too_large_for_the_line_arrives_as_text(monkeypatch):
    monkeypatch.setattr(remote, "LARGEST_ARRAY", 100)
    assert repr(crossed(np.zeros(13))) == "an array of dtype float64 and shape (13,)"
    assert crossed(np.zeros(12)).shape == (12,)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"pickle": "gASVAAAAAAAAAAAu"},
        {"tuple": 3},
        {"tuple": [1], "list": []},
        {"array": ["|O", [1], "AAAAAAAAAAA="]},
        {"array": ["<f8", [2], "AAAAAAAAAAA="]},
        {"array": ["<f8", [-1], "AAAAAAAAAAA="]},
        {"array": ["<f8", [True], "AAAAAAAAAAA="]},
        {"array": ["<f8", [0, 2**62, 2**62], ""]},
        {"array": ["<f8", [1], "not base 64"]},
        {"array": ["<f8", [1]]},
        {"array": [["<f8"], [1], ""]},
        {"scalar": ["<M8[s]", [], "AAAAAAAAAAA="]},
        {"dict": [[[1], 2]]},
        {"dict": [[1, 2, 3]]},
        {"dict": 5},
        {"set": [[]]},
        {"set": [{"dict": []}]},
        {"other": []},
        {"other": {}},
        {"texts": [[2], ["a", 5]]},
        {"texts": [[10_001], ["x" * 10_000] + 10_000 * [""]]},
        {"complex": []},
        {"complex": "__import__('os')"},
        {"bytes": "ü"},
        {"function": [0, "f"]},
        {"set": list(range(100_001))},
        {"dict": [[number, 0] for number in range(100_001)]},
        # These have one hash, all of them.
        {"set": [number * (2**61 - 1) for number in range(101)]},
        {"dict": [[{"complex": f"{number}j"}, 0] for number in range(101)]},
    ],
    ids=lambda content: str(content)[:40],
)
def test_what_encode_never_writes_is_refused(content):
    with pytest.raises(ProtocolError):
        decode(content)


def test_a_value_without_bottom_is_refused():
    content = []
    for _ in range(30):
        content = [content]
    with pytest.raises(ProtocolError, match="deeper than 20"):
        decode(content)


def message(content):
    return len(content).to_bytes(8, "big") + content


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", EOFError),
        (b"\x00\x00", EOFError),
        (message(b'{"answer": 1}')[:-1], EOFError),
        ((2**63).to_bytes(8, "big"), ProtocolError),
        (message(b"garbage"), ProtocolError),
        (message(b"\xff\xfe"), ProtocolError),
        (message(b"[" * 100_000), ProtocolError),
        (message(b'{"answer": 1, "x": ' + b"9" * 5000 + b"}"), ProtocolError),
        (message(b"[]"), ProtocolError),
        (message(b'{"answer": 2}'), ProtocolError),
        (message(b"{}"), ProtocolError),
        (message(b'{"question": 1, "call": 0}'), ProtocolError),
        (message(b'{"question": 1, "call": -1, "arguments": {"tuple": []}}'), ProtocolError),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_broken_message_is_refused(sent, error):
    endpoint = Endpoint(io.BytesIO(sent), io.BytesIO())
    with pytest.raises(error):
        endpoint.ask({"get": "answer"})


@pytest.fixture
def ends():
    """The grader's end, and a student's end that answers in a thread."""
    ours, theirs = socket.socketpair()
    grader = Endpoint(ours.makefile("rb"), ours.makefile("wb"))
    student = Endpoint(theirs.makefile("rb"), theirs.makefile("wb"))
    thread = threading.Thread(target=student.serve, daemon=True)
    thread.start()
    yield grader, student
    ours.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    assert not thread.is_alive()


def test_a_function_is_called_at_the_other_end(ends):
    grader, student = ends
    number = student.register(lambda a, *, b: (a + b, {"sum": np.sum(a)}))
    same(
        (np.array([2, 3]), {"sum": np.int64(3)}), grader.call(number, (np.array([1, 2]),), {"b": 1})
    )


def test_functions_cross_both_ways(ends):
    grader, student = ends

    def apply(function, value):
        doubled = function(value) * 2
        return lambda more: doubled + more

    given = decode({"function": [student.register(apply), "apply"]}, grader)
    assert given.__name__ == "apply"
    returned = given(lambda value: value + 1, 4)
    assert returned(100) == 110


@pytest.mark.parametrize(
    ("raised", "expected", "name"),
    [
        (ValueError("no\nway"), RemoteError, "ValueError"),
        (NotImplementedError("later"), NotImplementedError, "NotImplementedError"),
        (RecursionError("deep"), RecursionError, "RecursionError"),
        (type("a b", (Exception,), {})("odd"), RemoteError, "unnamed"),
    ],
)
def test_what_a_function_raises_is_raised_here_under_its_name(ends, raised, expected, name):
    grader, student = ends

    def fails():
        raise raised

    with pytest.raises(expected) as error:
        grader.call(student.register(fails), (), {})
    assert (type(error.value).__name__, str(error.value)) == (name, str(raised))


def test_a_value_too_large_to_send_is_an_error_and_the_line_goes_on(ends, monkeypatch):
    grader, student = ends
    monkeypatch.setattr(remote, "LARGEST_MESSAGE", 1000)
    long, short = student.register(lambda: "x" * 2000), student.register(lambda: "x")
    with pytest.raises(RemoteError, match="expected a value of at most"):
        grader.call(long, (), {})
    assert grader.call(short, (), {}) == "x"


def test_what_the_grader_cannot_send_is_an_error_of_the_test():
    with pytest.raises(TypeError, match="got object"):
        Endpoint(io.BytesIO(), io.BytesIO()).call(0, (object(),), {})


def test_texts_that_no_file_could_hold_are_mended():
    assert remote.text_of("a\ud800b") == "a?b"
    assert len(remote.text_of("x" * 20_000)) == remote.LONGEST_TEXT
