"""The pages behind a survey's link: whose it is, in which language they read, and what holds where it leads nowhere.

For people without an account, and for whatever opens links unasked. Whoever has the link has all it takes: so there is
no session, no cookie, and no CSRF token, which would need one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation

from crm.errors import Refused
from surveys import answering, links, screens
from surveys.models import Invitation

P = ParamSpec("P")


@dataclass(frozen=True)
class Visit:
    """Somebody with the link of `invitation`. `wished` is the language they chose on the page, if they did."""

    invitation: Invitation
    token: str
    language: str
    wished: str

    @property
    def query(self) -> str:
        """Carries their choice of language on, until an answer has kept it."""
        return f"?lang={self.language}" if self.wished else ""

    def page(self, request: HttpRequest, template: str, status: int = 200, **facts: Any) -> HttpResponse:
        version = self.invitation.version
        shown = {
            "visit": self, "token": self.token, "language": self.language, "runs": screens.runs_from(self.language),
            "brand": version.survey.brand, "title": version.says("title", self.language),
            "tongues": screens.tongues(version),
        }  # fmt: skip
        return render(request, f"surveys/public/{template}.html", {**shown, **facts}, status=status)


View = Callable[Concatenate[HttpRequest, Visit, P], HttpResponse]
Public = Callable[Concatenate[HttpRequest, str, P], HttpResponse]


def linked(view: View[P]) -> Public[P]:
    """Find whose link it is, and speak their language. One that leads to nobody says so, and nothing else."""

    @functools.wraps(view)
    def found(request: HttpRequest, token: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        invitation = links.find(token)
        if invitation is None or invitation.customer.survivor.erased_at:
            return render(request, "surveys/public/nothing.html", {"language": "en", "runs": "ltr"}, status=404)
        wished = request.POST.get("lang") or request.GET.get("lang", "")
        wished = wished if wished in invitation.version.languages else ""
        language = screens.language_of(invitation, wished)
        with translation.override(language):
            response = view(request, Visit(invitation, token, language, wished), *args, **kwargs)
        response.headers["Content-Language"] = language
        return response

    return found


def over(request: HttpRequest, visit: Visit, refusal: Refused) -> HttpResponse:
    """Why nothing can be answered here, and what to do. Who has answered is thanked."""
    if isinstance(refusal, answering.AnsweredAlready):
        return redirect("surveys:asked_thanks", visit.token)
    why = "unwanted" if isinstance(refusal, answering.NotWanted) else "over"
    return visit.page(request, "over", status=410, why=why, sentence=str(refusal))
