"""What tests of uploads begin with."""

from collections.abc import Iterable

import pytest

from core.services import uploads
from core.services.uploads import Refusal, UploadedFile


@pytest.fixture
def upload_id(settings, actor) -> str:
    return uploads.start_upload(settings, actor=actor)


@pytest.fixture
def put(settings, actor, upload_id):
    def put_one(name: str, data: bytes | Iterable[bytes]) -> UploadedFile | Refusal:
        chunks = [data] if isinstance(data, bytes) else data
        return uploads.put_file(
            settings, actor=actor, upload_id=upload_id, name=name, chunks=chunks
        )

    return put_one


@pytest.fixture
def finish(engine, settings, actor, upload_id):
    def make_batch(name: str = "batch") -> uploads.ImportReport:
        return uploads.finish_upload(
            engine, settings, actor=actor, upload_id=upload_id, batch_name=name
        )

    return make_batch
