"""Cases that have to do with each other, and stay two."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import deeds, live
from cases.models import Case, CaseLink, Deed
from crm.errors import Refused
from crm.models import Activity, User
from crm.models.activity import log

MOST_TOGETHER = 20  # cases that are linked to each other at once: 190 links


class AlreadyOne(Refused):
    sentence = _("That is this case itself. Choose another one.")


class NotLinked(Refused):
    sentence = _("These cases are not linked any more.")


class TooManyTogether(Refused):
    sentence = _("At most {most} cases can be linked together.")


@transaction.atomic
def link(*, one: Case, other: Case, kind: str = CaseLink.Kind.RELATED, by: User) -> CaseLink:
    """Link two cases, or change how they are linked."""
    if one.pk == other.pk:
        raise AlreadyOne
    older, newer = sorted((one.pk, other.pk))
    made, _new = CaseLink.objects.update_or_create(one_id=older, other_id=newer, defaults={"kind": kind, "by": by})
    deeds.write("link", [], [{"id": older, "link": made.pk}, {"id": newer, "link": made.pk}], by)
    _tell("linked", older, newer, by)
    return made


@transaction.atomic
def unlink(*, one: Case, other: Case, by: User) -> None:
    """Take a link away."""
    older, newer = sorted((one.pk, other.pk))
    found = CaseLink.objects.filter(one=older, other=newer).first()
    if found is None:
        raise NotLinked
    deeds.write("unlink", [_facts(found) | {"id": older}, {"id": newer}], [], by)
    found.delete()
    _tell("unlinked", older, newer, by)


def _tell(verb: str, older: int, newer: int, by: User) -> None:
    log(verb, Case(pk=older), by=by, detail=f"#{newer}")
    log(verb, Case(pk=newer), by=by, detail=f"#{older}")
    live.cases_changed([older, newer], by=by)


@transaction.atomic
def link_together(*, cases: Iterable[int], by: User) -> Deed | None:
    """Link each of `cases` with each other; None where all are already. A fixed number of queries."""
    pks = list(Case.objects.visible_to(by).exclude(state=Case.State.MERGED).filter(pk__in=list(cases)).order_by("pk")
               .values_list("pk", flat=True))  # fmt: skip
    if len(pks) > MOST_TOGETHER:
        raise TooManyTogether(most=MOST_TOGETHER)
    pairs = set(combinations(pks, 2))
    known = CaseLink.objects.filter(one__in=pks, other__in=pks).values_list("one", "other")
    fresh = sorted(pairs - set(known))
    made = CaseLink.objects.bulk_create([CaseLink(one_id=one, other_id=other, by=by) for one, other in fresh])
    if not made:
        return None
    touched = sorted({pk for pair in fresh for pk in pair})
    after: list[dict[str, Any]] = [{"id": pk} for pk in touched] + [{"link": row.pk} for row in made]
    deed = deeds.write("link", [], after, by)
    Activity.objects.bulk_create(
        [Activity(verb="linked", subject_kind="cases.case", subject_id=pk, by=by,
                  detail=", ".join(f"#{other}" for other in touched if other != pk)) for pk in touched]
    )  # fmt: skip
    live.cases_changed(touched, by=by)
    return deed


@deeds.undoes("link")
def _undo_link(deed: Deed, by: User) -> int:
    pks = {facts["id"] for facts in deed.after if "id" in facts}
    CaseLink.objects.filter(pk__in={facts["link"] for facts in deed.after if "link" in facts}).delete()
    deeds.tell(sorted(pks), deed.action, by, [])
    return len(pks)


@deeds.undoes("unlink")
def _undo_unlink(deed: Deed, by: User) -> int:
    was, other = deed.before
    CaseLink.objects.get_or_create(one_id=was["id"], other_id=other["id"], defaults=_fields(was))
    deeds.tell([was["id"], other["id"]], deed.action, by, [])
    return 2


def _facts(row: CaseLink) -> dict[str, Any]:
    return {"link": row.pk, "kind": row.kind, "by": row.by_id, "at": row.at.isoformat()}


def _fields(facts: dict[str, Any]) -> dict[str, Any]:
    return {"kind": facts["kind"], "by_id": facts["by"], "at": deeds.read("opened_at", facts["at"])}


# --- with a merge


def of(case: Case) -> Any:
    return CaseLink.objects.filter(Q(one=case) | Q(other=case))


def carry_over(case: Case, into: Case) -> list[dict[str, Any]]:
    """Links of `case` become links of `into`, less what would be a second one or lead to itself.

    Returns how they stood, so that they can be put back.
    """
    rows = list(of(case).order_by("pk"))
    if not rows:
        return []
    taken = {_other_end(row, into.pk) for row in of(into)} | {into.pk, case.pk}
    was = [_facts(row) | {"one": row.one_id, "other": row.other_id} for row in rows]
    CaseLink.objects.filter(pk__in=[row.pk for row in rows]).delete()
    ends = {_other_end(row, case.pk): row for row in rows}
    carried = [_between(into.pk, end, row) for end, row in ends.items() if end not in taken]
    CaseLink.objects.bulk_create(carried)
    for facts in was:
        made = next((row for row in carried if _other_end(row, into.pk) == _end(facts, case.pk)), None)
        facts["made"] = made.pk if made else None
    return was


def _end(facts: dict[str, Any], pk: int) -> int:
    return int(facts["other"] if facts["one"] == pk else facts["one"])


def _other_end(row: CaseLink, pk: int) -> int:
    return row.other_id if row.one_id == pk else row.one_id


def _between(pk: int, end: int, row: CaseLink) -> CaseLink:
    older, newer = sorted((pk, end))
    return CaseLink(one_id=older, other_id=newer, kind=row.kind, by_id=row.by_id, at=row.at or timezone.now())


def put_back(links: list[dict[str, Any]]) -> None:
    """As they stood before `carry_over`."""
    CaseLink.objects.filter(pk__in=[facts["made"] for facts in links if facts["made"]]).delete()
    CaseLink.objects.bulk_create(
        [CaseLink(one_id=facts["one"], other_id=facts["other"], **_fields(facts)) for facts in links],
        ignore_conflicts=True,
    )
