"""An audit made by hand: photos of three categories, two of them wrongly labelled."""

import hashlib
from pathlib import Path

import sqlalchemy as sa

from core.audit.files import AuditedPhoto, write_photos
from core.services import database
from core.settings import Settings
from db.engine import transaction
from db.queries import audits as queries
from tests.training.trees import COLOURS, draw

BLUE, GREEN, RED = COLOURS
CLAIMS = (BLUE, BLUE, GREEN, GREEN, RED, RED, RED)
TRUTH = (BLUE, BLUE, GREEN, GREEN, RED, BLUE, GREEN)


def add_audit(engine: sa.Engine, settings: Settings, folder: Path, *, trusted: int = 0) -> int:
    """Store an audit with two findings, at 2 and 30 % unfounded; return its id."""
    photos = []
    for number, (claimed, truth) in enumerate(zip(CLAIMS, TRUTH, strict=True)):
        path = folder / f"{number}.png"
        draw(path, COLOURS[truth], seed=number)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        wrong = 0.9 if claimed != truth else 0.01
        photos.append(AuditedPhoto(str(path), sha256, claimed, truth, wrong))
    photos.append(AuditedPhoto(str(folder / "bad.png"), "", RED, RED, None, "it is text"))
    name = f"{folder.name}.parquet"
    write_photos(settings.audits_dir / name, photos)
    user_id = database.local_actor(engine).id
    with transaction(engine) as session:
        values = {
            "user_id": user_id,
            "data_name": "shelf",
            "data": str(folder),
            "photos": len(CLAIMS),
            "categories": 3,
            "false_alarms": 0.1,
            "trusted": trusted,
            "skipped_photos": 1,
            "skipped": [{"path": str(folder / "bad.png"), "reason": "it is text"}],
            "file_name": name,
        }
        return queries.insert_audit(
            session,
            values=values,
            findings=[
                _finding(1, 5, wrong=0.98, rate=0.02),
                _finding(2, 6, wrong=0.6, rate=0.3),
            ],
        )


def _finding(rank: int, photo: int, *, wrong: float, rate: float) -> dict[str, object]:
    return {
        "rank": rank,
        "photo": photo,
        "claimed": CLAIMS[photo],
        "suggested": TRUTH[photo],
        "wrong": wrong,
        "rate": rate,
        "alike": {"claimed": [4], "suggested": [0, 1]},
    }
