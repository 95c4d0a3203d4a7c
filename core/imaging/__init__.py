"""From the bytes of a file to an upright sRGB picture, or to the reason why not."""

from core.imaging.decoding import DecodedImage, ImageLimits, decode
from core.imaging.encoding import encode_jpeg
from core.imaging.formats import EXTENSIONS, FORMATS, ImageFormat
from core.imaging.reasons import REASONS, Reason, explain
from core.imaging.region import Region

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "REASONS",
    "DecodedImage",
    "ImageFormat",
    "ImageLimits",
    "Reason",
    "Region",
    "decode",
    "encode_jpeg",
    "explain",
]
