import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import UnreadableImageError
from core.ingest import REASONS, RefusedFileError, open_source, read_photo
from tests.imaging.samples import encoded, noise
from tests.ingest.zips import BZIP2, LZMA, STORED, Member, handmade_zip, with_zip64_record, zip_of

PHOTO = encoded(noise(), "PNG")


@pytest.fixture
def outcome(tmp_path, limits):
    """Names that arrive and reasons of those that do not, of a zip."""

    def read(data: bytes) -> dict[str, str]:
        path = tmp_path / "a.zip"
        path.write_bytes(data)
        with open_source(path, limits) as collection:
            found = {each.name: each.reason for each in collection.refusals}
            for product in collection.products:
                try:
                    read_photo(product.photos[0], limits)
                except (RefusedFileError, UnreadableImageError) as error:
                    found[product.sku] = error.reason
                else:
                    found[product.sku] = "taken"
        return found

    return read


def test_a_zip_gives_its_photos_and_passes_over_litter(outcome):
    files = {
        "b/2.png": PHOTO,
        "a.png": PHOTO,
        "__MACOSX/._a.png": b"x",
        "b/.DS_Store": b"x",
        "c/": b"",
    }

    assert outcome(zip_of(files)) == {"a.png": "taken", "b/2.png": "taken"}


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "x/../../a.png", "..\\a.png", "C:\\a.png"])
def test_a_name_that_leads_out_is_refused_and_nothing_is_written(outcome, tmp_path, name):
    data = zip_of({name: PHOTO, "good.png": PHOTO})

    assert sorted(outcome(data).values()) == ["taken", "unsafe_name"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Member(b"bomb.bmp", b"\0" * 3_000_000), "expands_too_far"),
        (Member(b"link.png", b"/etc/passwd", mode=0o120777), "link"),
        (Member(b"secret.png", PHOTO, flags=1), "encrypted"),
        (Member(b"inner.zip", zip_of({"a.png": PHOTO})), "nested_archive"),
        (Member(b"bad.png", PHOTO, crc=1), "damaged_member"),
        (Member(b"odd.png", PHOTO, method=99), "packing_not_taken"),
        (Member(b"bz2.png", PHOTO, method=BZIP2), "packing_not_taken"),
        (Member(b"lzma.png", PHOTO, method=LZMA), "packing_not_taken"),
        (Member(b"noise.png", b"\xff" * 100, method=STORED + 8, claimed_size=7), "damaged_member"),
        (Member(b"big.png", b"\x89PNG" + bytes(range(256)) * 4000), "too_large"),
    ],
)
def test_a_bad_member_is_refused_and_the_others_arrive(outcome, member, reason):
    data = handmade_zip(Member(b"first.png", PHOTO), member, Member(b"last.png", PHOTO))

    assert outcome(data) == {
        "first.png": "taken", member.name.decode(): reason, "last.png": "taken",
    }  # fmt: skip


def test_the_second_of_two_members_of_a_name_is_refused(outcome):
    data = handmade_zip(Member(b"a.png", PHOTO), Member(b"./a.png", PHOTO))

    assert outcome(data) == {"a.png": "taken", "./a.png": "duplicate_name"}


def test_members_that_share_data_refuse_the_whole_archive(outcome):
    data = handmade_zip(Member(b"a.png", PHOTO), Member(b"b.png", PHOTO, share_offset_of=0))

    assert outcome(data) == {"a.zip": "overlapping"}


def test_an_archive_that_expands_to_too_much_is_refused_unread(outcome, limits):
    size = limits.max_zip_bytes // 4 + 1
    data = handmade_zip(*(Member(b"%d.bmp" % each, b"x", claimed_size=size) for each in range(4)))

    assert outcome(data) == {"a.zip": "expands_too_much"}


def test_an_archive_with_too_many_members_is_refused(outcome, limits):
    data = zip_of({f"{number}.png": b"" for number in range(limits.max_files + 1)})

    assert outcome(data) == {"a.zip": "too_many_files"}


def test_a_directory_too_long_for_so_few_files_is_not_even_read(outcome, limits):
    data = zip_of({f"{'long' * 50}{number}.png": b"" for number in range(limits.max_files * 4)})

    assert outcome(data) == {"a.zip": "too_many_files"}


def test_a_zip64_directory_is_measured_too(outcome, limits):
    """66,000 members need the longer record, in which the true size stands."""
    data = zip_of({f"{number}": b"" for number in range(66_000)})

    assert outcome(data) == {"a.zip": "too_many_files"}


def test_a_zip64_directory_is_measured_though_the_short_record_claims_little(outcome, limits):
    long = zip_of({f"{'long' * 50}{number}.png": b"" for number in range(limits.max_files * 4)})

    assert outcome(with_zip64_record(long, claimed_short=46)) == {"a.zip": "too_many_files"}


def test_a_second_end_record_inside_the_first_does_not_hide_the_directory(outcome, limits):
    data = zip_of({f"{'long' * 50}{number}.png": b"" for number in range(limits.max_files * 4)})
    hidden = data[:-6] + b"PK\5\6" + data[-2:]  # where the offset of the directory stands

    assert outcome(hidden) == {"a.zip": "too_many_files"}


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"no zip at all", zip_of({"a.png": PHOTO})[:-30]])
def test_what_is_no_zip_is_a_damaged_archive(outcome, data):
    assert outcome(data) == {"a.zip": "damaged_archive"}


def test_an_empty_zip_gives_nothing(outcome):
    assert outcome(zip_of({})) == {}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=6))
def test_a_damaged_zip_gives_photos_or_reasons_and_nothing_else(outcome, flips):
    data = bytearray(zip_of({"a.png": PHOTO[:300], "b.png": b"text", "c/d.png": b""}))
    for place, bits in flips:
        data[int(place * (len(data) - 1))] ^= bits

    assert set(outcome(bytes(data)).values()) <= set(REASONS) | {"taken"}
