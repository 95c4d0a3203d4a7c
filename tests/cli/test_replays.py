import json

import pytest
from typer.testing import CliRunner

from cli import main
from core.services import database
from tests.services.flagged import BOWL, MUG
from tests.services.test_replays import Past


@pytest.mark.usefixtures("own_data")
def test_a_replay_is_counted_and_what_was_not_seen_is_asked_for() -> None:
    engine = database.get_ready_engine()
    past = Past(engine, database.local_actor(engine))
    past.add("M-1", BOWL, decided=MUG)
    past.add("M-2", None)
    app = main.build_app()
    said = CliRunner().invoke(app, ["replay", "spring", str(past.version_id)])
    assert said.exit_code == 0
    assert "1 Wrong now, right before" in " ".join(said.stdout.split())
    assert "1 listing is not seen by this version yet: job 1 shows them to it." in said.stdout
    found = json.loads(CliRunner().invoke(app, ["replay", "spring", "custom_cnn", "--json"]).stdout)
    assert (found["counts"], found["unseen"]) == ({"worse": 1}, 1)
    assert found["differences"][0]["sku"] == "M-1"


@pytest.mark.usefixtures("own_data")
def test_an_ensemble_is_no_version() -> None:
    engine = database.get_ready_engine()
    Past(engine, database.local_actor(engine))
    refused = CliRunner().invoke(main.build_app(), ["replay", "spring", "ensemble"])
    assert "not under the ensemble" in str(refused.exception)
