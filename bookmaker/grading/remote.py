"""The line between the grader and a student's process: values, calls, and nothing else.

A message is its length and JSON; arrays are their dtype, shape and bytes in it. Nothing that comes
along the line is executed or unpickled, and each part is checked before it becomes a value, since
whatever stands at the other end may send what it likes. The module is copied into the student's
process, so it knows the standard library and NumPy only.
"""

import base64
import json
import re
import struct

import numpy as np

LARGEST_MESSAGE = 16 << 20
LARGEST_ARRAY = 11 << 20
LARGEST_SET, LARGEST_ODD_SET = 100_000, 100
DEEPEST = 20
LONGEST_TEXT = 10_000
_LENGTH = struct.Struct(">Q")
_DTYPES = {
    np.dtype(name).str
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
}


class ProtocolError(Exception):
    """The other end sent what is no message, or an answer to what nobody asked."""


class RemoteError(Exception):
    """What the other end's function raised; the class made for it bears the original's name.

    Attributes:
        student_line: number and text of the line at fault in the student's code; may be empty.
    """

    student_line = ""


class Opaque:
    """A value that does not cross the line; only its type's name and its text did."""

    def __init__(self, text):
        self._text = text

    def __repr__(self):
        return self._text


class RemoteFunction:
    """A function at the other end: a call sends the arguments there and returns what comes back."""

    def __init__(self, endpoint, number, name):
        self._endpoint, self._number, self.__name__ = endpoint, number, name

    def __call__(self, *arguments, **keywords):
        return self._endpoint.call(self._number, arguments, keywords)

    def call_measured(self, what, *arguments):
        """Call it; returns its most bytes (``"memory"``) or lines of Python (``"steps"``)."""
        return self._endpoint.call_measured(self._number, what, arguments)


class Endpoint:
    """One end of the line.

    Args:
        reader, writer: binary files of the line.
        answer: function of a question, a dict, that returns the answer, a dict; by default calls
            of what was sent are answered, and what cannot be sent raises TypeError.
    """

    def __init__(self, reader, writer, answer=None):
        self._reader, self._writer, self._answer = reader, writer, answer
        self.strict = answer is None
        self._functions: list = []
        self._asked = 0

    def ask(self, question):
        """Send a question and return the answer; calls that come in between are served.

        Raises:
            ProtocolError: something else came.
            EOFError, OSError: the other end is gone.
        """
        self._asked += 1
        number = self._asked
        self._send({**question, "question": number})
        while True:
            message = self._receive()
            if "question" in message:
                self._serve(message)
            elif message.get("answer") == number:
                return message
            else:
                raise ProtocolError("an answer to what was not asked")

    def serve(self):
        """Answer questions until the other end is gone."""
        while True:
            try:
                message = self._receive()
            except EOFError:
                return
            self._serve(message)

    def call(self, number, arguments, keywords):
        """Call the function of this number at the other end.

        Raises:
            RemoteError: it raised; NotImplementedError and RecursionError come as themselves.
        """
        return self.value_of(self.ask(self._call(number, arguments, keywords)))

    def call_measured(self, number, what, arguments):
        """Call a function at the other end; returns its most bytes or its lines of Python."""
        answer = self.ask({**self._call(number, arguments, {}), "measure": what})
        self.value_of(answer)
        measured = answer.get("measured")
        if type(measured) is not int or measured < 0:
            raise ProtocolError("no number of bytes or lines")
        return measured

    def value_of(self, answer):
        """Return the value in an answer, or raise what stands in it."""
        if "raised" in answer:
            raise _raised(answer["raised"])
        if "value" not in answer:
            raise ProtocolError("an answer without a value")
        return decode(answer["value"], self)

    def value_answer(self, value):
        """Return the answer that holds a value."""
        return {"value": encode(value, self)}

    def register(self, function):
        """Return the number under which the other end may call a function."""
        self._functions.append(function)
        return len(self._functions) - 1

    def function(self, number):
        """Return what was registered under a number."""
        if type(number) is not int or not 0 <= number < len(self._functions):
            raise ProtocolError("a call of a function that was not given")
        return self._functions[number]

    def arguments_of(self, question):
        """Return function, arguments and keywords of a question that is a call."""
        keywords = decode(question.get("keywords"), self)
        arguments = decode(question.get("arguments"), self)
        if type(arguments) is not tuple or type(keywords) is not dict:
            raise ProtocolError("a call without arguments")
        if not all(type(name) is str for name in keywords):
            raise ProtocolError("a keyword that is no name")
        return self.function(question.get("call")), arguments, keywords

    def _call(self, number, arguments, keywords):
        return {
            "call": number,
            "arguments": encode(tuple(arguments), self),
            "keywords": encode(keywords, self),
        }

    def _serve(self, question):
        if self._answer is not None:
            answer = self._answer(question)
        else:
            function, arguments, keywords = self.arguments_of(question)
            try:
                answer = self.value_answer(function(*arguments, **keywords))
            except Exception as error:
                answer = {"raised": [type(error).__name__, str(error)[:LONGEST_TEXT], ""]}
        number = {"answer": question["question"]}
        try:
            self._send({**answer, **number})
        except ValueError as error:
            self._send({"raised": ["ValueError", str(error), ""], **number})

    def _send(self, message):
        content = json.dumps(message).encode()
        if len(content) > LARGEST_MESSAGE:
            raise ValueError(f"expected a value of at most {LARGEST_MESSAGE >> 20} MiB")
        self._writer.write(_LENGTH.pack(len(content)) + content)
        self._writer.flush()

    def _receive(self):
        (size,) = _LENGTH.unpack(self._read(_LENGTH.size))
        if size > LARGEST_MESSAGE:
            raise ProtocolError(f"a message of more than {LARGEST_MESSAGE >> 20} MiB")
        try:
            message = json.loads(self._read(size))
        except (ValueError, RecursionError):
            raise ProtocolError("a message that is no JSON") from None
        if type(message) is not dict:
            raise ProtocolError("a message that is no dict")
        return message

    def _read(self, size):
        content = self._reader.read(size)
        if len(content) < size:
            raise EOFError("the other end is gone")
        return content


def encode(value, endpoint=None):
    """Return a value as what JSON can hold: the plain value, whatever class it is of.

    Numbers, strings, None, arrays of numbers, tuples, lists, sets and dicts of such cross; so does
    whatever NumPy takes for an array of numbers. A function is registered at the endpoint, for the
    other end to call. Of anything else only the text does.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return _encode_array(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if value is Ellipsis:
        return {"ellipsis": []}
    if isinstance(value, complex):
        return {"complex": str(complex(value))}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [encode(part, endpoint) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(part, endpoint) for part in value]}
    if isinstance(value, set | frozenset):
        return {"set": [encode(part, endpoint) for part in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(k, endpoint), encode(v, endpoint)] for k, v in value.items()]}
    if callable(value) and endpoint is not None:
        name = getattr(value, "__name__", type(value).__name__)
        return {"function": [endpoint.register(value), str(name)]}
    return _encode_other(value, endpoint)


def _encode_array(value):
    kind = "scalar" if isinstance(value, np.generic) else "array"
    plain = np.asarray(value)
    if plain.dtype.kind == "U":
        parts = [str(part) for part in plain.ravel()]
        return parts[0] if kind == "scalar" else {"texts": [list(plain.shape), parts]}
    plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
    if plain.dtype.str not in _DTYPES or plain.nbytes > LARGEST_ARRAY:
        return {"other": [f"an array of dtype {plain.dtype} and shape {plain.shape}"]}
    content = base64.b64encode(plain.tobytes()).decode()
    return {kind: [plain.dtype.str, list(plain.shape), content]}


def _encode_other(value, endpoint):
    try:
        plain = np.asarray(value)
    except Exception:
        plain = np.asarray(None)
    if plain.dtype.str in _DTYPES:
        return _encode_array(plain)
    if endpoint is not None and endpoint.strict:
        raise TypeError(f"expected numbers, texts, functions and such, got {type(value).__name__}")
    return {"other": [f"{type(value).__name__} {repr(value)[:300]}"]}


def decode(content, endpoint=None, depth=0):
    """Return the value that `encode` wrote, after checking every part of it.

    Raises:
        ProtocolError: `encode` writes no such thing.
    """
    if content is None or type(content) in (bool, int, float, str):
        return content
    if depth > DEEPEST:
        raise ProtocolError(f"a value deeper than {DEEPEST}")
    if type(content) is list:
        return [decode(part, endpoint, depth + 1) for part in content]
    if type(content) is not dict or len(content) != 1:
        raise ProtocolError("a value of no known kind")
    ((kind, inside),) = content.items()
    try:
        return _decode_kind(kind, inside, endpoint, depth + 1)
    except (ValueError, TypeError, LookupError, OverflowError, MemoryError):
        raise ProtocolError(f"a broken value of kind {kind[:20]!r}") from None


def _decode_kind(kind, inside, endpoint, depth):
    if kind == "tuple":
        return tuple(decode(part, endpoint, depth) for part in _list(inside))
    if kind == "set":
        return set(_keys(inside, endpoint, depth))
    if kind == "dict":
        keys = _keys([key for key, _ in _list(inside)], endpoint, depth)
        return {
            key: decode(value, endpoint, depth)
            for key, (_, value) in zip(keys, inside, strict=True)
        }
    if kind in ("array", "scalar"):
        return _decode_array(kind, *_list(inside))
    if kind == "texts":
        shape, parts = _list(inside)
        if not all(type(part) is str for part in parts):
            raise ProtocolError("a text that is none")
        if max(map(len, parts), default=0) * len(parts) > LARGEST_ARRAY:
            raise ProtocolError("texts that take too much memory")
        return np.array(parts, dtype=str).reshape(shape)
    if kind == "bytes":
        return base64.b64decode(inside, validate=True)
    if kind == "complex":
        return complex(inside)
    if kind == "ellipsis":
        return Ellipsis
    if kind == "other":
        return Opaque(text_of(inside[0]))
    if kind == "function" and endpoint is not None:
        number, name = _list(inside)
        return RemoteFunction(endpoint, number, name_of(name))
    raise ProtocolError(f"a value of the unknown kind {kind[:20]!r}")


def _keys(contents, endpoint, depth):
    """The keys of a dict or set, few where many could be made that all have one hash.

    Such keys take the square of their number in time.
    """
    keys = [decode(content, endpoint, depth) for content in _list(contents)]
    plain = all(
        key is None or type(key) in (bool, float, str) or (type(key) is int and abs(key) < 2**60)
        for key in keys
    )
    if len(keys) > (LARGEST_SET if plain else LARGEST_ODD_SET):
        raise ProtocolError(f"{len(keys)} keys, more than are allowed")
    return keys


def _decode_array(kind, dtype, shape, content):
    if dtype not in _DTYPES:
        raise ProtocolError("an array of another dtype")
    if not all(type(size) is int and size >= 0 for size in _list(shape)):
        raise ProtocolError("an array of no shape")
    array = np.frombuffer(base64.b64decode(content, validate=True), dtype).reshape(shape)
    array = array.astype(array.dtype.newbyteorder("="))  # a copy, which may be written to
    return array[()] if kind == "scalar" else array


def _list(value):
    if type(value) is not list:
        raise ProtocolError("a part that is no list")
    return value


def text_of(value):
    """Return a text that came along the line, fit to be written down.

    Raises:
        ProtocolError: it is no text.
    """
    if type(value) is not str:
        raise ProtocolError("a text that is none")
    # Half of a surrogate pair could not be written to any file.
    return value[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def name_of(value):
    """Return a name, possibly dotted, that came along the line; "unnamed" for what is none.

    Raises:
        ProtocolError: it is no text.
    """
    return value if re.fullmatch(r"[A-Za-z_][\w.]{0,99}", text_of(value)) else "unnamed"


def _raised(content):
    if len(_list(content)) != 3:
        raise ProtocolError("an error without a message")
    name, message, line = map(text_of, content)
    for known in (NotImplementedError, RecursionError):
        if name == known.__name__:
            return known(message)
    error = type(name_of(name), (RemoteError,), {})(message)
    error.student_line = line[:300]
    return error
