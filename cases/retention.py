"""What the case desk keeps for how long; and customers of whom nothing is left but a handle."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cases import deeds, rules_engine
from cases.likely import taken
from cases.models import Case, Note, NoteFile
from cases.privacy import leads, rights, story
from channels_app.models import Message
from channels_app.privacy.messages import silence
from crm import files
from crm.models import Customer, Identity, IdentityLink
from crm.privacy.retention import Kind, Passing, passes, register

# --- cases that are long closed


def closed(before: datetime) -> QuerySet[Case]:
    """Resolved before then, or joined to one that was, with words left in them."""
    words = Exists(Message.objects.filter(case_entry__case=OuterRef("pk"), erased_at=None))
    notes = Exists(Note.objects.filter(case=OuterRef("pk")).exclude(text=""))
    over = Q(state=Case.State.RESOLVED, resolved_at__lt=before) | Q(
        merged_into__state=Case.State.RESOLVED, merged_into__resolved_at__lt=before
    )
    others = story.words_left() | rights.words_left() | leads.words_left()
    return Case.objects.filter(over).filter(~Q(subject="") | words | notes | others)


def take_words(cases: QuerySet[Case]) -> None:
    silence(Message.objects.filter(case_entry__case__in=cases, erased_at=None))
    Note.objects.filter(case__in=cases).update(text="")
    files.remove(NoteFile.objects.filter(note__case__in=cases))
    story.take_words(cases)
    rights.take_words(cases)
    leads.take_words(cases)
    cases.update(subject="")


# --- what nobody said to us


def overheard(before: datetime) -> QuerySet[Message]:
    """Found by a search, or fetched from above a question; in no case, and beside none that is open."""
    beside = Case.objects.unresolved().filter(Q(thread=OuterRef("thread")) | Q(threads__thread=OuterRef("thread")))
    kept = Message.objects.filter(overheard=True, case_entry=None, erased_at=None, stored_at__lt=before)
    return kept.exclude(Exists(beside))


# --- provisional customers to whom nothing leads


def _alone(rows: QuerySet[Any], *but: type[Model]) -> QuerySet[Any]:
    """Rows to which no row of any model leads, whatever apps there are; `but` may."""
    for relation in rows.model._meta.get_fields(include_hidden=True):
        model: Any = relation.related_model
        if relation.auto_created and not relation.concrete and model not in but:
            rows = rows.exclude(Exists(model._base_manager.filter(**{relation.field.name: OuterRef("pk")})))
    return rows


def forgotten(before: datetime) -> QuerySet[Customer]:
    """Known by a handle alone, for so long, with nothing said, done or asked of us."""
    nameless = Customer.objects.standing().filter(known_at=None, created_at__lt=before, do_not_contact_at=None)
    spoken = IdentityLink.objects.filter(customer=OuterRef("pk")).exclude(
        identity__in=_alone(Identity.objects.all(), IdentityLink).values("pk")
    )
    return _alone(nameless, IdentityLink).exclude(Exists(spoken))


def forget(customers: QuerySet[Customer]) -> None:
    """With the handles that were theirs alone."""
    handles = list(IdentityLink.objects.filter(customer__in=customers).values_list("identity", flat=True))
    customers.delete()
    Identity.objects.filter(pk__in=handles, links=None).delete()


def register_ages() -> None:
    passes(Passing("deeds", _("What was done to cases and could be undone"), deeds.KEPT, deeds.forget_old))
    passes(Passing("rule_runs", _("What rules did to cases that are over"), rules_engine.KEPT, rules_engine.forget_old))
    passes(Passing("cause_suggestions", _("Whether suggested causes were chosen"), taken.KEPT, taken.forget_old))
    register(
        Kind(
            "closed_cases", _("Words of cases that are resolved"),
            _("What was said in them, what they were about and our notes. That they were, when, in what mood, why and"
              " who resolved them stays."),
            1095, closed, take_words, least=30,
        ),
        Kind(
            "overheard", _("What was not said to us"),
            _("The words of posts that a search found, or that stand above a question, and of which no case was made."),
            90, overheard, silence, least=7,
        ),
        Kind(
            "provisional", _("Handles of whom nothing is left"),
            _("Provisional customers without a message, a case, an order, a wish or anything else that leads to them."),
            365, forgotten, forget, least=30,
        ),
    )  # fmt: skip
