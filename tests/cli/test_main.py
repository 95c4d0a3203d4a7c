"""The command's frame."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli import main
from core.errors import InvalidInputError


def test_every_subcommand_describes_itself():
    result = CliRunner().invoke(main.build_app(), ["--help"])

    assert result.exit_code == 0
    for command in main.COMMANDS:
        assert command.name in result.stdout
        assert command.load().__doc__


def test_an_error_raised_on_purpose_is_one_line_and_status_1(monkeypatch, capsys):
    def build_app():
        raise InvalidInputError("the price 'abc' in row 3 is no number")

    monkeypatch.setattr(main, "build_app", build_app)
    with pytest.raises(SystemExit) as stopped:
        main.main()

    assert stopped.value.code == 1
    assert capsys.readouterr().err == "Error: the price 'abc' in row 3 is no number\n"


def test_the_commands_start_without_torch():
    code = "import sys; from cli import main; main.build_app(); sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
