"""Multipart bodies (RFC 7578), read as they come: nothing is kept but the piece at hand."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from core.errors import InvalidInputError

MAX_PART_HEADERS = 8
MAX_PART_HEADER_BYTES = 4096  # a name in it is at most 500 characters long


class MalformedBodyError(InvalidInputError):
    """The body of a request is not what its headers say."""

    status = 400


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a body.

    Attributes:
        field: The form field it belongs to.
        file_name: What the client calls the file, not to be trusted; None when it is no file.
        chunks: The content, to be read before the next part is asked for.
    """

    field: str
    file_name: str | None
    chunks: Iterator[bytes]


def read_parts(content_type: str, body: Iterable[bytes]) -> Iterator[Part]:
    """Yield the parts one after the other; what was not read of one is passed over.

    Raises:
        MalformedBodyError: The body is no multipart, or ends before its closing boundary.
    """
    events = _events(_boundary(content_type), body)
    for event in events:
        if isinstance(event, _Header):
            chunks = (each for each in takewhile(_is_chunk, events) if isinstance(each, bytes))
            yield Part(event.field, event.file_name, chunks)
            deque(chunks, maxlen=0)


@dataclass(frozen=True, slots=True)
class _Header:
    """The headers of a part are over, and said this."""

    field: str
    file_name: str | None


_Event = _Header | bytes | Literal["part end", "body end"]


def _is_chunk(event: _Event) -> bool:
    return isinstance(event, bytes)


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise MalformedBodyError("send the files as multipart/form-data, with its boundary")
    return options[b"boundary"]


def _events(boundary: bytes, body: Iterable[bytes]) -> Iterator[_Event]:
    """Yield what the parser finds, in order, until the closing boundary."""
    found = _Found()
    try:
        parser = _parser(boundary, found)
        for piece in body:
            parser.write(piece)
            while found.events:
                event = found.events.popleft()
                yield event
                if event == "body end":
                    return
    except FormParserError as error:
        raise MalformedBodyError(f"the request is no proper multipart: {error}") from error
    raise MalformedBodyError("the request ends before its last part does; send it again")


def _parser(boundary: bytes, found: "_Found") -> MultipartParser:
    return MultipartParser(
        boundary,
        {
            "on_header_field": found.on_header_field,
            "on_header_value": found.on_header_value,
            "on_header_end": found.on_header_end,
            "on_headers_finished": found.on_headers_finished,
            "on_part_data": lambda data, start, end: found.events.append(data[start:end]),
            "on_part_end": lambda: found.events.append("part end"),
            "on_end": lambda: found.events.append("body end"),
        },
        max_header_count=MAX_PART_HEADERS,
        max_header_size=MAX_PART_HEADER_BYTES,
    )


class _Found:
    """What the parser called back since it was last looked at."""

    def __init__(self) -> None:
        self.events: deque[_Event] = deque()
        self._name = self._value = b""
        self._disposition = b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def on_headers_finished(self) -> None:
        kind, options = parse_options_header(self._disposition.decode("latin-1"))
        self._disposition = b""
        if kind != b"form-data" or b"name" not in options:
            raise MalformedBodyError("a part does not say which field it belongs to")
        name = options.get(b"filename")
        self.events.append(_Header(_text(options[b"name"]), None if name is None else _text(name)))


def _text(value: bytes) -> str:
    """Return a name as text; bytes that are no UTF-8 stay apart, as lone surrogates."""
    return value.decode("utf-8", "surrogateescape")
