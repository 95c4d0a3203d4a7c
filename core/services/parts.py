"""Parts of photos to search by: cut out here, and then handed to the worker as any photo is."""

import sqlalchemy as sa

from core.actors import Actor, require
from core.imaging import ImageLimits, Region, decode, encode_jpeg
from core.services import lookups, search
from core.services.lookups import Lookup
from core.services.workshop import workshop
from core.settings import Settings
from core.storage import STORED_LIMITS, ImageStore

_MAX_SIDE_PX = 1280
_QUALITY = 95


def request_photo(
    engine: sa.Engine, settings: Settings, *, actor: Actor, data: bytes, region: str | None = None
) -> Lookup:
    """Hand a photo from outside in, or the part of it that a region names.

    Raises:
        BusyError: Too many photos are cut at once.
        ForbiddenError: The actor may not look.
        InvalidInputError: The region is none, or the photo is empty or too large.
        UnreadableImageError: It is no picture; the whole of it would be refused by the worker.
    """
    require(actor, "look")
    if region is not None:
        limits = ImageLimits.of(settings)
        data = _cut(settings, data, limits, Region.parse(region))
    return lookups.request(engine, settings, actor=actor, data=data)


def request_listing(
    engine: sa.Engine, settings: Settings, *, actor: Actor, listing_id: int, region: str
) -> Lookup:
    """Hand in a part of a listing's main photo; the same one again is answered at once.

    Raises:
        BusyError: Too many photos are cut at once.
        ForbiddenError: The actor may not look.
        InvalidInputError: The region is none.
        NotFoundError: No such listing that the actor sees, or its photo is gone.
        UnreadableImageError: The photo was damaged since it was stored.
    """
    part = Region.parse(region)
    subject = search.find_subject(engine, actor=actor, listing_id=listing_id)
    store = ImageStore.of(settings)
    data = _cut(settings, store.read(subject.sha256), STORED_LIMITS, part)
    return lookups.request(engine, settings, actor=actor, data=data)


def _cut(settings: Settings, data: bytes, limits: ImageLimits, region: Region) -> bytes:
    enough_px = region.enough_px(_MAX_SIDE_PX)

    def cut() -> bytes:
        pixels = region.cut(decode(data, limits, enough_px=enough_px).pixels)
        return encode_jpeg(pixels, max_side_px=_MAX_SIDE_PX, quality=_QUALITY)

    return workshop(settings).make(cut)
