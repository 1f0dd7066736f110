"""Which notices somebody looks at, and how they want to hear of each kind."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm.models import Notice, NoticeChoice, User


class NoticesForm(forms.Form):
    """The filter of the list, which is also its URL. What cannot be read is left out."""

    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=(("", _("Every kind")), *Notice.Kind.choices))
    show = forms.ChoiceField(label=_("Show"), required=False, choices=(("", _("All")), ("unread", _("Not read"))))

    def narrow(self, notices: QuerySet[Notice]) -> QuerySet[Notice]:
        self.is_valid()
        if kind := self.cleaned_data.get("kind"):
            notices = notices.filter(kind=kind)
        return notices.filter(read_at=None) if self.cleaned_data.get("show") == "unread" else notices


class ChoicesForm(forms.Form):
    """The matrix: each kind of notice, in the bell or not, by mail or not. Two queries, and one to store."""

    def __init__(self, data: Any = None, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.user = user
        chosen = {choice.kind: choice for choice in user.notice_choices.all()}
        for kind, label in Notice.Kind.choices:
            choice = chosen.get(kind, NoticeChoice(kind=kind))
            self.fields[f"{kind}_in_app"] = forms.BooleanField(label=label, required=False, initial=choice.in_app)
            self.fields[f"{kind}_mail"] = forms.ChoiceField(
                label=label, choices=NoticeChoice.Mail.choices, initial=choice.mail
            )

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"label": label, "in_app": self[f"{kind}_in_app"], "mail": self[f"{kind}_mail"]}
            for kind, label in Notice.Kind.choices
        ]

    @transaction.atomic
    def save(self) -> None:
        said = self.cleaned_data
        NoticeChoice.objects.bulk_create(
            [
                NoticeChoice(user=self.user, kind=kind, in_app=said[f"{kind}_in_app"], mail=said[f"{kind}_mail"])
                for kind in Notice.Kind.values
            ],
            update_conflicts=True, unique_fields=["user", "kind"], update_fields=["in_app", "mail"],
        )  # fmt: skip
