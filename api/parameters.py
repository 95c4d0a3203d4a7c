"""Numbers and texts that come in from outside, bounded before they reach the database."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field, StringConstraints

MAX_ID = 2**63 - 1

PathId = Annotated[int, Path(ge=1, le=MAX_ID)]
InQueryId = Annotated[int, Query(ge=1, le=MAX_ID)]
QueryId = Annotated[int | None, Query(ge=1, le=MAX_ID)]
BodyId = Annotated[int, Field(ge=1, le=MAX_ID)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]
PathKey = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,60}$")]
