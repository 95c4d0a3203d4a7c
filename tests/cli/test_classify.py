import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli import main
from core.errors import ConflictError
from core.services import database, jobs
from core.settings import get_settings
from tests.services.photos import write_photos

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command on a fresh data directory."""
    monkeypatch.setenv("CATALENS_DATA_DIR", str(tmp_path / "data"))
    caches = (get_settings, database.get_engine, database.get_ready_engine)
    for cached in caches:
        cached.cache_clear()
    yield lambda *arguments: CliRunner().invoke(main.build_app(), arguments)
    database.get_engine().dispose()
    for cached in caches:
        cached.cache_clear()


def test_a_batch_given_by_its_name_is_classified_again(run: Run, tmp_path: Path) -> None:
    run("import", str(write_photos(tmp_path / "photos", 2)), "--batch", "first")
    refused = run("classify", "first")
    assert isinstance(refused.exception, ConflictError)
    engine = database.get_engine()
    jobs.cancel(engine, actor=database.local_actor(engine), job_id=1)
    done = run("classify", "first", "--json")
    assert json.loads(done.stdout) == {"batch_id": 1, "job_id": 2}
