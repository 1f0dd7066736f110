"""One of us thanks another by name, for one thing: they hear of it, and it stands on their card."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case
from crm import notices
from crm.errors import Refused
from crm.models import Customer, Notice, User
from crm.models.activity import log
from surveys.models import ActionPlan, Call, Recognition

UNDO = timedelta(days=1)  # in which thanks can be taken back
ABOUT: Mapping[type[models.Model], str] = {Customer: "customer", Case: "case", Call: "call", ActionPlan: "plan"}


class ThanksRefused(Refused):
    field = "words"  # what it stands beside in a form


class NoWords(ThanksRefused):
    sentence = gettext_lazy("Say in your own words what you thank them for.")


class NotYourself(ThanksRefused):
    sentence = gettext_lazy("Thank somebody else: nobody recognises themselves.")
    field = "person"


class IsGone(ThanksRefused):
    sentence = gettext_lazy("{person} no longer works here.")
    field = "person"


class NotYoursToTakeBack(ThanksRefused):
    sentence = gettext_lazy("Only who said it can take it back, within a day.")


@transaction.atomic
def recognise(
    *, person: User, words: str, by: User, what: str = Recognition.What.OTHER,
    about: Customer | Case | Call | ActionPlan | None = None,
) -> Recognition:  # fmt: skip
    """Thank them by name. Who may see what it is `about` is asked by whoever calls. Raises ThanksRefused."""
    words = words.replace("\x00", "").strip()
    if not words:
        raise NoWords
    if person.pk == by.pk:
        raise NotYourself
    if not person.is_active:
        raise IsGone(person=person)
    subject = {ABOUT[type(about)]: about} if about is not None else {}
    made = Recognition.objects.create(
        person=person, what=Recognition.What(what), words=words[:500], by=by, **subject
    )  # fmt: skip
    log("thanked", made, by=by)
    text = _("%(by)s thanks you by name. The words stand on your card.") % {"by": by}
    notices.tell([person], Notice.Kind.TEAM, text, url=card(person), about=made, by=by)
    return made


def card(person: User) -> str:
    return reverse("surveys:scorecard", args=[person.pk])


@transaction.atomic
def take_back(*, recognition: Recognition, by: User) -> Recognition:
    """It was said by mistake. Within a day, by who said it; one conditional UPDATE."""
    now = timezone.now()
    theirs = Recognition.objects.standing().filter(pk=recognition.pk, by=by, at__gt=now - UNDO)
    if not theirs.update(taken_back_at=now):
        raise NotYoursToTakeBack
    Notice.objects.filter(subject_kind=Recognition._meta.label_lower, subject_id=recognition.pk, read_at=None).delete()
    log("taken back", recognition, by=by)
    recognition.refresh_from_db()
    return recognition
