"""Every reason for which a file does not come in: a picture's own, and those of its source."""

from core.imaging import reasons as imaging
from core.imaging.reasons import Reason, table_of

REASONS = imaging.REASONS | table_of(
    Reason(
        "wrong_extension",
        "Not what its name says",
        "the name ends in {extension}, but the content is {kind}",
    ),
    Reason(
        "program_name",
        "Name of a program",
        "the name ends in {extension}, which a computer would run as a program",
    ),
    Reason("unsafe_name", "Unsafe name", "the name {problem}"),
    Reason(
        "long_name", "Name too long", "the name has {length} characters; at most {limit} are taken"
    ),
    Reason("duplicate_name", "Name used twice", "another file of the same name came before"),
    Reason("link", "Link", "it is a link that leads out of the folder"),
    Reason("not_a_file", "Not a file", "it is a {kind}, not a file"),
    Reason("unreadable_file", "Cannot be read", "reading it failed: {problem}"),
    Reason(
        "nested_archive", "Archive inside", "it is an archive inside the import; import it alone"
    ),
    Reason("encrypted", "Password needed", "it is encrypted; pack it without a password"),
    Reason(
        "packing_not_taken",
        "Packing not taken",
        "it is packed by method {method}; pack it with Deflate, as every zip program can",
    ),
    Reason(
        "expands_too_far",
        "Expands too far",
        "it would expand {ratio:,} times; at most {max_ratio} times is taken",
    ),
    Reason(
        "expands_too_much",
        "Expands to too much",
        "the archive would expand to {size_bytes:,} bytes; at most {max_bytes:,} are taken",
    ),
    Reason(
        "overlapping", "Overlapping members", "files in the archive share their data, as bombs do"
    ),
    Reason("damaged_archive", "Damaged archive", "the archive cannot be read: {problem}"),
    Reason(
        "damaged_member",
        "Damaged in the archive",
        "it cannot be unpacked: {problem}; pack it again",
    ),
    Reason("too_many_files", "Too many files", "there are more than {limit:,} files; split them"),
    Reason("missing_file", "File missing", "row {row} names a file that is not there"),
    Reason("not_listed", "Not in the manifest", "no row of the manifest names it"),
    Reason("empty_cell", "Cell empty", "row {row} has no {column}"),
    Reason(
        "long_cell",
        "Cell too long",
        "the {column} in row {row} has {length} characters; at most {limit} are taken",
    ),
    Reason(
        "long_category",
        "Category too long",
        "{what} {text:.40}… has {length} characters; at most {limit} are taken",
    ),
    Reason(
        "bad_price",
        "Price not understood",
        "the price {price!r} in row {row} is no amount such as 12.50;"
        " write it with two decimals at most and nothing between the thousands",
    ),
    Reason("known_file", "In the catalogue already", "it is the same file as {where}"),
    Reason(
        "known_picture",
        "Its picture is in the catalogue already",
        "{score:.0%} of it is the same as on {where}",
    ),
)
