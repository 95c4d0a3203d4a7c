from core.model_names import model_name
from core.models import ARCHITECTURES


def test_people_read_the_label_of_every_architecture():
    rows = ARCHITECTURES.values() if isinstance(ARCHITECTURES, dict) else ARCHITECTURES
    assert {row.key: model_name(row.key) for row in rows} == {row.key: row.label for row in rows}


def test_an_architecture_that_is_gone_keeps_its_key():
    assert model_name("alexnet") == "alexnet"
