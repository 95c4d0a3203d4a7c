"""Why a file is refused as a picture: one table."""

from dataclasses import dataclass

from core.errors import UnreadableImageError


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to refuse a file.

    Attributes:
        key: Stored with a batch and with an image, so never renamed.
        label: Heading over the files that share the reason.
        message: Template of the sentence about one file.
    """

    key: str
    label: str
    message: str


def table_of(*reasons: Reason) -> dict[str, Reason]:
    return {reason.key: reason for reason in reasons}


REASONS = table_of(
    Reason("empty", "Empty file", "the file has no content"),
    Reason(
        "too_large",
        "Too large",
        "the file has {size_bytes:,} bytes; at most {max_bytes:,} are taken",
    ),
    Reason("not_an_image", "Not a picture", "the content is {kind}, not a picture"),
    Reason(
        "format_not_taken",
        "Format not taken",
        "the content is {kind}; save it as JPEG, PNG or WebP",
    ),
    Reason(
        "too_many_pixels",
        "Too many pixels",
        "the picture claims more than {max_pixels:,} pixels{size}; make it smaller",
    ),
    Reason(
        "absurd_size",
        "Impossible size",
        "the picture claims {width_px} x {height_px} px; sides of 1 to {max_side_px:,} are taken",
    ),
    Reason(
        "absurd_exif",
        "Damaged EXIF",
        "the EXIF data, which says which way is up, cannot be right: {problem}",
    ),
    Reason(
        "colour_mode",
        "Colours not taken",
        "the pixels are of the kind {mode}; save the picture as 8-bit RGB",
    ),
    Reason("truncated", "Cut off", "the {format} file ends before its picture does; copy it again"),
    Reason("damaged", "Damaged", "the {format} file cannot be decoded; it is damaged"),
)


def explain(key: str, **values: object) -> str:
    """Return the message of a picture's reason, filled in."""
    return REASONS[key].message.format(**values)


def refuse(key: str, **values: object) -> UnreadableImageError:
    """Return the error to raise for a reason of the table."""
    return UnreadableImageError(key, explain(key, **values))
