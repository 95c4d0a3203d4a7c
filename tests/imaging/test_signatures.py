import pytest

from core.errors import UnreadableImageError
from core.imaging import FORMATS
from core.imaging.signatures import OTHER_IMAGES, OTHER_KINDS, identify, kind_of
from tests.imaging.samples import SAMPLES, quadrants

HEADS = {
    "a camera's raw file": b"II*\0\x10\0\0\0CR\2\0",
    "a Photoshop file": b"8BPS\0\1",
    "a JPEG 2000 picture": b"\0\0\0\x0cjP  \r\n\x87\n",
    "a JPEG XL picture": b"\xff\x0a\xfa\x7f",
    "a Windows icon": b"\0\0\1\0\1\0\x10\x10",
    "an SVG drawing": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "a PostScript file": b"%!PS-Adobe-3.0 EPSF-3.0",
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3",
    "a zip archive": b"PK\3\4\x14\0",
    "a RAR archive": b"Rar!\x1a\7\1\0",
    "a 7-Zip archive": b"7z\xbc\xaf\x27\x1c\0\4",
    "a gzip archive": b"\x1f\x8b\x08\0",
    "a Linux program": b"\x7fELF\2\1\1",
    "a Windows program": b"MZ\x90\0\3",
    "a macOS program": b"\xcf\xfa\xed\xfe\7\0\0\1",
    "a script": b"#!/bin/sh\nrm -rf /\n",
    "a SQLite database": b"SQLite format 3\0\x10\0",
    "a Parquet table": b"PAR1\x15\4",
    "a video": b"\0\0\0\x20ftypisom\0\0\2\0isomiso2",
    "a video or sound file": b"RIFF\0\1\0\0AVI LIST",
    "an old Office document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "a web page": b"\n<!DOCTYPE html><html><body>404</body></html>",
    "an XML file": b'<?xml version="1.0"?><products/>',
    "text": "Äpfel und Birnen\n".encode(),
    "of an unknown kind": b"\x00\x01\x02\x03\xfe\xfd",
}


def test_every_kind_has_a_case():
    assert set(HEADS) == {kind.name for kind in (*OTHER_IMAGES, *OTHER_KINDS)}


@pytest.mark.parametrize("name", HEADS)
def test_a_file_is_called_by_what_it_is(name):
    assert getattr(kind_of(HEADS[name]), "name", None) == name


@pytest.mark.parametrize("kind", OTHER_IMAGES, ids=lambda kind: kind.name)
def test_another_picture_format_is_not_taken(kind):
    with pytest.raises(UnreadableImageError, match=kind.name) as refused:
        identify(HEADS[kind.name])
    assert refused.value.reason == "format_not_taken"


@pytest.mark.parametrize("kind", OTHER_KINDS, ids=lambda kind: kind.name)
def test_anything_else_is_no_image(kind):
    with pytest.raises(UnreadableImageError, match=kind.name) as refused:
        identify(HEADS[kind.name])
    assert refused.value.reason == "not_an_image"


@pytest.mark.parametrize("image_format", FORMATS, ids=lambda each: each.key)
def test_a_format_is_told_by_its_first_bytes(image_format):
    assert identify(SAMPLES[image_format.key](quadrants())) is image_format


def test_a_text_that_begins_with_the_letters_of_a_bitmap_is_text():
    assert getattr(kind_of(b"BMW and other car makers, a list of them"), "name", None) == "text"


def test_text_that_is_cut_inside_a_character_is_text():
    assert getattr(kind_of("Grüße".encode()[:3]), "name", None) == "text"
