"""HEIC for Pillow, with as little of libheif as the picture needs.

``pi_heif``'s own Pillow plugin also collects metadata, thumbnails and depth maps, and
that code crashes the process on a hostile file (an item type that is no UTF-8, 1.4.0).
Orientation is part of the picture here and is applied by libheif, so none of it is missed.
The wheel is LGPL and decodes only; it carries no encoder.
"""

from typing import Any

import _pi_heif
from PIL import Image, ImageFile

CODEC = "HEIC"

# Positional, so named here: one thread (photos are decoded side by side already), 8 bits,
# RGB order, rows padded, 16 bits otherwise, any decoder, libheif's own limits kept.
_LOAD_OPTIONS = (1, True, False, False, True, "", False)
_ICC_TYPES = {"rICC", "prof"}


class HeicImageFile(ImageFile.ImageFile):
    """The primary picture of a HEIC file; decoded by ``load``, not before."""

    format = CODEC
    format_description = "High Efficiency Image Container"

    def _open(self) -> None:
        assert self.fp is not None
        self._coded: Any = _find_primary(self.fp.read())
        self._size, self._mode = self._coded.size_mode
        profile = self._coded.color_profile
        if profile and profile["type"] in _ICC_TYPES:
            self.info["icc_profile"] = profile["data"]

    def load(self) -> Any:
        if self._coded is not None:
            data = self._coded.data  # a view: valid as long as what it was taken from
            self._size, _ = self._coded.size_mode  # known for sure only now
            self.load_prepare()
            self.frombytes(data, "raw", (self.mode, self._coded.stride))
            self._coded = None
        return super().load()


def _find_primary(data: bytes) -> Any:
    pictures = _pi_heif.load_file(data, *_LOAD_OPTIONS)
    for picture in pictures:
        if picture is not None and picture.primary:
            return picture
    raise SyntaxError("no primary picture")


def _accepts(head: bytes) -> bool:
    """Whether a file may be one of ours; Pillow shows every file to every format."""
    return head[4:8] == b"ftyp"


Image.register_open(CODEC, HeicImageFile, _accepts)
