"""Where the points of a card lead, for whoever reads it: only to what they may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.urls import reverse

from cases.models import Case
from crm.models import Customer, User
from surveys.models import ActionPlan, Call, GroupRequest, Recognition
from surveys.recognition.kept import Promise
from surveys.recognition.prevented import Prevented
from surveys.recognition.saved import Deed, Saved


@dataclass(frozen=True)
class Doors:
    """What this reader may open, by pk. A request stands in for an improvement that is not theirs to open."""

    customers: bool
    cases: frozenset[int]
    calls: frozenset[int]
    plans: frozenset[int]
    requests: frozenset[int]

    def customer(self, pk: int) -> str:
        return reverse("crm:customer", args=[pk]) if self.customers else ""

    def deed(self, deed: Deed | Promise) -> str:
        if deed.kind == "call":
            return reverse("surveys:call", args=[deed.pk]) if deed.pk in self.calls else ""
        return reverse("cases:case", args=[deed.pk]) if deed.pk in self.cases else ""

    def improvement(self, each: Prevented) -> str:
        if each.plan.pk in self.plans:
            return each.plan.get_absolute_url()
        return reverse("surveys:request", args=[each.request]) if each.request in self.requests else ""

    def thanks(self, each: Recognition) -> str:
        """To what somebody was thanked for."""
        if each.plan_id:
            return reverse("surveys:plan", args=[each.plan_id]) if each.plan_id in self.plans else ""
        if each.call_id:
            return reverse("surveys:call", args=[each.call_id]) if each.call_id in self.calls else ""
        if each.case_id:
            return reverse("cases:case", args=[each.case_id]) if each.case_id in self.cases else ""
        return self.customer(each.customer_id) if each.customer_id else ""


def doors(
    reader: User, *, saved: Iterable[Saved] = (), promises: Iterable[Promise] = (),
    improvements: Iterable[Prevented] = (), thanks: Iterable[Recognition] = (),
) -> Doors:  # fmt: skip
    """For these points: four queries, and one for the teams of the reader."""
    deeds: list[Deed | Promise] = [deed for each in saved for deed in each.deeds]
    deeds.extend(promises)
    said, came = list(thanks), list(improvements)
    calls = {deed.pk for deed in deeds if deed.kind == "call"} | {each.call_id for each in said}
    cases = {deed.pk for deed in deeds if deed.kind != "call"} | {each.case_id for each in said}
    plans = {each.plan.pk for each in came} | {each.plan_id for each in said}
    return Doors(
        reader.knows_customers,
        _seen(Case.objects.visible_to(reader), cases),
        _seen(Call.objects.visible_to(reader), calls),
        _seen(ActionPlan.objects.visible_to(reader), plans),
        _seen(GroupRequest.objects.visible_to(reader), {each.request for each in came}),
    )


def _seen(visible: object, pks: Collection[int | None]) -> frozenset[int]:
    return frozenset(visible.filter(pk__in=[pk for pk in pks if pk]).values_list("pk", flat=True))  # type: ignore[attr-defined]


VISIBLE = {"customer": Customer, "case": Case, "call": Call, "plan": ActionPlan}


def about(key: str, reader: User) -> Customer | Case | Call | ActionPlan | None:
    """What "call:12" names, if this person may see it; None otherwise."""
    kind, _colon, pk = key.partition(":")
    model = VISIBLE.get(kind)
    if model is None or not (pk.isascii() and pk.isdecimal()) or len(pk) > 18:
        return None
    return model.objects.visible_to(reader).filter(pk=int(pk)).first()  # type: ignore[attr-defined, no-any-return]
