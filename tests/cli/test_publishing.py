import json

import pytest
from typer.testing import CliRunner

from cli import main
from core.services import database
from tests.services.flagged import add_batch, add_flagged, decide


@pytest.mark.usefixtures("own_data")
def test_a_batch_is_published_and_what_stays_is_named() -> None:
    engine = database.get_ready_engine()
    actor = database.local_actor(engine)
    batch_id = add_batch(engine, actor, "spring")
    for sku, kinds in (("M-1", []), ("M-2", ["truncated"])):
        decide(engine, actor, add_flagged(engine, batch_id, sku, kinds))
    app = main.build_app()
    first = CliRunner().invoke(app, ["publish", "--batch", "spring"])
    assert first.exit_code == 0
    words = " ".join(first.stdout.split())
    assert words.startswith("Published 1 listing of batch 1. 1 decided listing stays behind")
    assert "Truncated file (1)" in words
    second = CliRunner().invoke(app, ["publish", "--batch", str(batch_id), "--json"])
    assert json.loads(second.stdout) == {
        "batch_id": batch_id,
        "published": 0,
        "left": {"ready": 0, "blocked": 1, "blocked_by": {"truncated": 1}},
    }
