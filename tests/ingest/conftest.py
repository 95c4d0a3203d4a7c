import pytest

from core.imaging import ImageLimits
from core.ingest import SourceLimits


@pytest.fixture
def limits() -> SourceLimits:
    return SourceLimits(
        image=ImageLimits(max_bytes=1_000_000, max_pixels=1_000_000),
        max_files=50,
        max_zip_bytes=20_000_000,
        max_zip_ratio=100,
    )
