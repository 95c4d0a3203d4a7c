import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ingest import RefusedFileError
from core.ingest.files import MAX_NAME_LENGTH, clean_name, extension_of, is_ignored, refusal


def reason_for(name: str) -> str:
    with pytest.raises(RefusedFileError) as refused:
        clean_name(name)
    return refused.value.reason


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a.jpg", "a.jpg"),
        ("./shoes//red/a.jpg", "shoes/red/a.jpg"),
        ("shoes\\red\\a.jpg", "shoes/red/a.jpg"),
        ("Äpfel & Birnen/grün 1.jpg", "Äpfel & Birnen/grün 1.jpg"),
        ("…/..a.jpg", "…/..a.jpg"),
    ],
)
def test_a_name_becomes_a_relative_path(name, clean):
    assert clean_name(name) == clean


@pytest.mark.parametrize(
    "name",
    [
        "../a.jpg",
        "shoes/../../a.jpg",
        "..\\..\\windows\\a.jpg",
        "..",
        "/etc/passwd",
        "\\\\server\\share\\a.jpg",
        "C:\\a.jpg",
        "c:a.jpg",
        "",
        "./",
        "a\0.jpg",
        "a\n.jpg",
        "\x1b[31m.jpg",
        "a\u202egpj.exe",
        "broken\udcff.jpg",
    ],
)
def test_a_name_that_is_no_relative_path_is_unsafe(name):
    assert reason_for(name) == "unsafe_name"


@pytest.mark.parametrize("name", ["photo.exe", "photo.jpg.exe", "a/PHOTO.JPG.Bat", "x.sh", "x.lnk"])
def test_the_name_of_a_program_is_refused(name):
    assert reason_for(name) == "program_name"


def test_a_name_on_the_limit_passes_and_one_above_does_not():
    name = "a" * (MAX_NAME_LENGTH - 4) + ".jpg"

    assert clean_name(name) == name
    assert reason_for(f"a{name}") == "long_name"


@given(st.text())
def test_any_name_is_clean_or_refused_and_clean_names_stay(name):
    try:
        clean = clean_name(name)
    except RefusedFileError:
        return
    assert clean_name(clean) == clean
    assert ".." not in clean.split("/")
    assert not clean.startswith("/")


@pytest.mark.parametrize(
    "name",
    [".DS_Store", "a/.hidden.jpg", ".git/a.jpg", "__MACOSX/._a.jpg", "Thumbs.db", "a\\desktop.ini"],
)
def test_litter_is_passed_over(name):
    assert is_ignored(name)


@pytest.mark.parametrize(
    "name",
    [
        *("a.jpg", "../a.jpg", "./a.jpg", "a..jpg", "thumbs.jpg", "../.ssh/a.jpg", "/.ssh/a.jpg"),
        *("C:\\.ssh\\a.jpg", ".ssh/../../a.jpg", "..\\__MACOSX\\a.jpg", ".\x07.jpg"),
    ],
)
def test_what_is_no_litter_is_not_passed_over(name):
    assert not is_ignored(name)


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a.JPG", ".jpg"), ("a.tar.gz", ".gz"), ("a", ""), (".jpg", ""), ("b.c/a", ""), ("a.", ".")],
)
def test_an_extension_is_what_follows_the_last_dot(name, extension):
    assert extension_of(name) == extension


@given(st.text(st.characters(), max_size=700))
def test_a_refused_name_can_be_stored_and_printed(name):
    shown = refusal(name, RefusedFileError("link")).name

    assert shown.isprintable()
    assert len(shown) <= MAX_NAME_LENGTH
    shown.encode()
