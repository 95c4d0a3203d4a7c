"""``catalens publish``: what was decided of a batch goes live."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.options import Json
from core.services import database, exports, publishing


def publish_command(
    batch: Annotated[str, typer.Option("--batch", help="Name or id of the batch.")],
    as_json: Json = False,
) -> None:
    """Publish the accepted and corrected listings of a batch that no open flag blocks.

    Those that a flag holds back are counted, with the flags; what is published stays so.
    """
    engine = database.get_ready_engine()
    actor = database.local_actor(engine)
    batch_id = exports.find_batch_id(engine, actor=actor, batch=batch)
    published, left = publishing.publish_batch(engine, actor=actor, batch_id=batch_id)
    if as_json:
        console.print_json({"batch_id": batch_id, "published": published, "left": asdict(left)})
        return
    words = "1 listing" if published == 1 else f"{published:,} listings"
    sentence = f"Published {words} of batch {batch_id}. {left.what_stays}"
    console.stdout.print(sentence.strip(), highlight=False, markup=False)
