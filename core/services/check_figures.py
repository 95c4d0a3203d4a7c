"""What the checks say of reviewers: how far they agree, and whether they look."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.evaluation import Tally
from core.people import Agreement, measure_agreement
from db.queries import checks as queries
from db.queries.checks import Opinion
from db.states import CheckKind


@dataclass(frozen=True, slots=True)
class CheckFigures:
    """What is known of one reviewer; None where nothing was checked yet.

    Attributes:
        agreement: With all who decided the same listings.
        caught: Wrong suggestions that the reviewer did not take.
        unaided: Listings without a suggestion for which the reviewer chose the one left out.
    """

    agreement: Agreement | None = None
    caught: Tally | None = None
    unaided: Tally | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The figures by user id, and how far all those people agree."""

    by_user: Mapping[int, CheckFigures]
    agreement: Agreement | None

    def of(self, user_id: int) -> CheckFigures:
        return self.by_user.get(user_id, CheckFigures())


def measure(
    session: Session,
    *,
    user_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> CheckReport:
    """Measure the checks that were answered in the time, of everybody or of one."""
    opinions = queries.list_opinions(session, user_id=user_id, since=since, until=until)
    pairs: defaultdict[int, list[tuple[Hashable, Hashable]]] = defaultdict(list)
    seconds = [each for each in opinions if each.check.kind == CheckKind.SECOND]
    for each in seconds:
        first, second = each.decision.category_id, each.answer.category_id
        pairs[each.decision.user_id].append((first, second))
        pairs[each.check.user_id].append((second, first))
    caught: defaultdict[int, list[bool]] = defaultdict(list)
    for each in opinions:
        if each.check.kind == CheckKind.PLANTED:
            caught[each.check.user_id].append(each.answer.category_id != each.check.category_id)
    unaided: defaultdict[int, list[bool]] = defaultdict(list)
    for check, made in queries.list_hidden(session, user_id=user_id, since=since, until=until):
        unaided[check.user_id].append(made.category_id == check.category_id)
    people = pairs.keys() | caught.keys() | unaided.keys()
    return CheckReport(
        by_user={
            id_: CheckFigures(
                measure_agreement(pairs[id_]), _tally(caught[id_]), _tally(unaided[id_])
            )
            for id_ in people
        },
        agreement=measure_agreement(list(map(_pair, seconds))),
    )


def _pair(opinion: Opinion) -> tuple[Hashable, Hashable]:
    return opinion.decision.category_id, opinion.answer.category_id


def _tally(hits: Sequence[bool]) -> Tally | None:
    return Tally(sum(hits), len(hits)) if hits else None
