"""Which troubles of the database are waited out."""

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from core.worker import stopping
from core.worker.stopping import through_outages


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "FIRST_WAIT_S", 0.01)


def test_a_busy_sqlite_is_waited_for(tmp_path: Path) -> None:
    engine = sa.create_engine(
        f"sqlite:///{tmp_path / 'db'}", connect_args={"timeout": 0, "isolation_level": None}
    )
    other = sqlite3.connect(tmp_path / "db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    tries = []

    def work() -> str:
        tries.append(1)
        if len(tries) == 3:
            other.execute("ROLLBACK")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE t (x)")
        return "done"

    assert through_outages(threading.Event(), work) == "done"
    assert len(tries) == 3
    other.close()
    engine.dispose()


def test_what_waiting_does_not_mend_is_raised(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'db'}")

    def work() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT * FROM missing")

    with pytest.raises(OperationalError, match="no such table"):
        through_outages(threading.Event(), work)
    engine.dispose()
