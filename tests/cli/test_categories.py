import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import main
from core.errors import NotFoundError

TABLE = "code,name,synonyms\nK-100,Home > Mug,cup,beaker\n"


def run(*words: str) -> Result:
    return CliRunner().invoke(main.build_app(), ["categories", *words])


@pytest.mark.usefixtures("own_data")
def test_a_table_comes_in_and_goes_out_again(tmp_path: Path) -> None:
    file, out = tmp_path / "categories.csv", tmp_path / "out.csv"
    file.write_text(TABLE)
    said = run("import", str(file))
    assert said.exit_code == 0
    words = " ".join(said.stdout.split())
    assert words == "categories: 1, new: 1, codes: 1, synonyms: 2 new: Home > Mug"
    assert run("export").stdout == "code,name,synonyms\n,Home\nK-100,Home > Mug,cup,beaker\n"
    run("export", str(out))
    report = json.loads(run("import", str(out), "--json").stdout)
    assert report == {"categories": 2, "made": [], "codes": 1, "synonyms": 2}


@pytest.mark.usefixtures("own_data")
def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = run("import", str(tmp_path / "none.csv"))
    assert isinstance(said.exception, NotFoundError)
    assert "none.csv" in str(said.exception)
