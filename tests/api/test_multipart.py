"""Reading multipart bodies piece by piece."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.multipart import MAX_PART_HEADER_BYTES, MalformedBodyError, read_parts

BOUNDARY = "between"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
HEAD = b'--between\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
END = b"\r\n--between--\r\n"


def body_of(files: list[tuple[str, bytes]]) -> bytes:
    parts = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in files
    )
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def pieces_of(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


contents = st.one_of(
    st.binary(max_size=80),
    st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--between", b"x"]), max_size=12)
    .map(b"".join)
    .filter(lambda content: b"\r\n--between" not in b"\r\n" + content),
)
files = st.lists(
    st.tuples(st.sampled_from(["a.png", "a b/ä.png", "日本.jpg", "../x", ""]), contents), max_size=5
)


@given(files, st.integers(1, 50))
def test_however_a_body_is_cut_its_files_are_the_same(sent, size):
    pieces = pieces_of(body_of(sent), size)
    read = [(part.file_name, b"".join(part.chunks)) for part in read_parts(CONTENT_TYPE, pieces)]
    assert read == sent


@given(files, st.integers(1, 50))
def test_what_is_not_read_of_a_part_is_passed_over(sent, size):
    pieces = pieces_of(body_of([*sent, ("last.png", b"last")]), size)
    parts = read_parts(CONTENT_TYPE, pieces)
    assert [part.file_name for part in parts] == [*(name for name, _ in sent), "last.png"]


@given(files.filter(bool), st.data())
def test_a_body_that_ends_early_is_refused(sent, data):
    whole = body_of(sent).removesuffix(b"--\r\n")
    short = whole[: data.draw(st.integers(0, len(whole)))]
    with pytest.raises(MalformedBodyError):
        [b"".join(part.chunks) for part in read_parts(CONTENT_TYPE, [short])]


def test_a_name_that_is_no_utf8_stays_a_name_that_cannot_be_used():
    body = HEAD.replace(b"a.png", b"\xff\xfe.png") + b"x" + END
    (part,) = read_parts(CONTENT_TYPE, [body])
    assert part.file_name == "\udcff\udcfe.png"


def test_a_field_has_no_file_name():
    (part,) = read_parts(CONTENT_TYPE, [HEAD.replace(b'; filename="a.png"', b"") + b"x" + END])
    assert (part.field, part.file_name) == ("files", None)


@pytest.mark.parametrize(
    "content_type",
    ["", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=between",
     f"multipart/form-data; boundary={'b' * 1000}"],
)  # fmt: skip
def test_a_type_that_is_no_multipart_is_refused(content_type):
    with pytest.raises(MalformedBodyError):
        list(read_parts(content_type, [HEAD + b"x" + END]))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no parts at all",
        b"\r\n\r\n" * 9,
        b"--other\r\n\r\nx\r\n--other--",
        b"--between\r\n\r\nno headers" + END,
        b"--between\r\nContent-Disposition: attachment; filename=a.png\r\n\r\nx" + END,
        b"--between\r\nContent-Disposition: form-data\r\n\r\nno name" + END,
        b"--between\r\nNo colon\r\n\r\nx" + END,
        HEAD.replace(b"a.png", b"a" * MAX_PART_HEADER_BYTES) + b"x" + END,
        b"--between\r\n" + b"X-A: b\r\n" * 99 + HEAD.split(b"\r\n", 1)[1] + b"x" + END,
    ],
)
def test_a_malformed_body_is_refused(body):
    with pytest.raises(MalformedBodyError):
        list(read_parts(CONTENT_TYPE, [body]))
