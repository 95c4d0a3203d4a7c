"""Views of the queue: what its address says, and views that a reviewer saved under a name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.queue import DEFAULT_POLICY, POLICIES
from core.services.queue import QueueFilter, check_filter
from db.engine import reading, transaction
from db.queries import views as queries
from db.rows import SavedViewRow
from db.states import ListingState

MAX_ID_DIGITS = 18
MAX_NAME = 100
MAX_VIEWS = 50

PARAMETERS = ("policy", "state", "batch", "category", "flag", "seller")
"""What the address of a view may say, in its order."""


@dataclass(frozen=True, slots=True)
class View:
    """A policy and a filter."""

    policy: str = DEFAULT_POLICY
    only: QueueFilter = field(default_factory=QueueFilter)

    def as_params(self) -> dict[str, str]:
        """Return what stands in the address; what is as always is left out."""
        params = {
            "policy": None if self.policy == DEFAULT_POLICY else self.policy,
            "state": None if self.only.state == QueueFilter().state else self.only.state.value,
            "batch": self.only.batch_id,
            "category": self.only.category_id,
            "flag": self.only.flag,
            "seller": self.only.seller,
        }
        return {name: str(value) for name, value in params.items() if value is not None}


@dataclass(frozen=True, slots=True)
class SavedView:
    name: str
    view: View


def read_view(params: Mapping[str, str]) -> View:
    """Return the view of an address; other parameters are passed over.

    Raises:
        InvalidInputError: A parameter says what cannot be.
    """
    policy = params.get("policy", DEFAULT_POLICY)
    if policy not in POLICIES:
        raise InvalidInputError(f"no order {policy!r}; there are {', '.join(POLICIES)}")
    only = QueueFilter(
        state=_read_state(params.get("state")),
        batch_id=_read_id("batch", params),
        category_id=_read_id("category", params),
        flag=params.get("flag"),
        seller=params.get("seller") or None,
    )
    check_filter(only)
    return View(policy, only)


def read_what_can_be(params: Mapping[str, str]) -> tuple[View, tuple[str, ...]]:
    """Return the view of what the address says that can be, and what is wrong with the rest."""
    kept: dict[str, str] = {}
    problems = []
    for name in PARAMETERS:
        if name not in params:
            continue
        try:
            read_view({name: params[name]})
        except InvalidInputError as error:
            problems.append(str(error))
        else:
            kept[name] = params[name]
    return read_view(kept), tuple(problems)


def list_views(engine: sa.Engine, *, actor: Actor) -> tuple[SavedView, ...]:
    """Return the actor's saved views by name.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with reading(engine) as session:
        return tuple(
            SavedView(row.name, _stored(row))
            for row in queries.list_views(session, user_id=actor.id)
        )


def save(engine: sa.Engine, *, actor: Actor, name: str, view: View) -> SavedView:
    """Save the view under a name; one that has the name already is replaced.

    Raises:
        ConflictError: The actor has ``MAX_VIEWS`` already.
        ForbiddenError: The actor may not review.
        InvalidInputError: The name is empty or too long.
    """
    require(actor, "review")
    name = _check_name(name)
    query = urlencode(view.as_params())
    with transaction(engine) as session:
        row = queries.find_view(session, user_id=actor.id, name=name)
        if row is not None:
            row.query = query
        elif len(queries.list_views(session, user_id=actor.id)) >= MAX_VIEWS:
            raise ConflictError(f"{MAX_VIEWS} views are saved already; delete one first")
        else:
            queries.add_view(session, user_id=actor.id, name=name, query=query)
    return SavedView(name, view)


def rename(engine: sa.Engine, *, actor: Actor, name: str, new_name: str) -> None:
    """Give a saved view another name.

    Raises:
        ConflictError: Another view has that name.
        ForbiddenError: The actor may not review.
        InvalidInputError: The new name is empty or too long.
        NotFoundError: No view has the name.
    """
    require(actor, "review")
    new_name = _check_name(new_name)
    with transaction(engine) as session:
        row = _get(queries.find_view(session, user_id=actor.id, name=name), name)
        other = queries.find_view(session, user_id=actor.id, name=new_name)
        if other is not None and other is not row:
            raise ConflictError(f"a view {new_name!r} exists already; choose another name")
        row.name = new_name


def delete(engine: sa.Engine, *, actor: Actor, name: str) -> None:
    """Forget a saved view.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No view has the name.
    """
    require(actor, "review")
    with transaction(engine) as session:
        session.delete(_get(queries.find_view(session, user_id=actor.id, name=name), name))


def _get(row: SavedViewRow | None, name: str) -> SavedViewRow:
    if row is None:
        raise NotFoundError(f"no saved view {name!r}; it may have been deleted")
    return row


def _stored(row: SavedViewRow) -> View:
    """Read a stored view; what it says of flags that are no more is left out."""
    view, _ = read_what_can_be(dict(parse_qsl(row.query)))
    return view


def _check_name(name: str) -> str:
    clean = " ".join(name.replace("\0", " ").split())
    if not 0 < len(clean) <= MAX_NAME:
        raise InvalidInputError(
            f"a view needs a name of 1 to {MAX_NAME} characters, got {len(clean)}"
        )
    return clean


def _read_state(text: str | None) -> ListingState:
    if text is None:
        return QueueFilter().state
    try:
        return ListingState(text)
    except ValueError as error:
        raise InvalidInputError(f"no state {text!r}; choose one of the list") from error


def _read_id(name: str, params: Mapping[str, str]) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS
    if not is_number or (name == "batch" and int(text) == 0):
        raise InvalidInputError(f"no {name} {text!r}; choose one of the list")
    return int(text)
