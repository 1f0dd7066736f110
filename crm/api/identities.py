"""What a customer goes by: the links, with their evidence."""

from __future__ import annotations

from typing import Annotated, Literal

from django.shortcuts import get_object_or_404
from ninja import Body, Query, Router, Status
from pydantic import Field

from crm import addresses, decisions
from crm.api.auth import Caller
from crm.api.customers import READ, WRITE, Email, Handle, Phone, found
from crm.api.idempotency import once
from crm.api.kinds import Country, Id, In, LinkState, OutsideId, Reason, Slug, Words
from crm.api.paging import Filter, Page, page
from crm.api.schemas import LinkOut
from crm.models import IdentityLink

router = Router(tags=["Identities"])
Evidence = Annotated[Words, Field(description="How you know, for whoever looks at the link later.")]


class EmailIn(In):
    kind: Literal["email"]
    value: Email
    evidence: Evidence = ""


class PhoneIn(In):
    kind: Literal["phone"]
    value: Phone
    country: Annotated[Country | None, Field(description="Where a number without a country’s code is.")] = None
    evidence: Evidence = ""


class HandleIn(In):
    kind: Literal["handle"]
    place: Annotated[Slug, Field(description="The network.", examples=["twitter"])]
    value: Handle
    evidence: Evidence = ""


class RecordIn(In):
    """A record of the same person in another system."""

    kind: Literal["external"]
    place: Annotated[Slug, Field(description="The other system.", examples=["crm"])]
    value: OutsideId
    evidence: Evidence = ""


AnyIdentity = Annotated[EmailIn | PhoneIn | HandleIn | RecordIn, Field(discriminator="kind")]


class LinksFilter(Filter):
    state: LinkState | None = None


class Withdrawal(In):
    why: Reason


@router.get(
    "/customers/{int:pk}/identities", response=Page[LinkOut], auth=READ, url_name="identities",
    summary="List what a customer goes by",
)  # fmt: skip
def identities(request: Caller, pk: Id, asked: Query[LinksFilter]) -> Page[LinkOut]:
    """In every state: also what was proposed, rejected or withdrawn."""
    links = found(request, pk).links.select_related("identity")
    return page(links.filter(state=asked.state) if asked.state else links, asked, LinkOut.of, Page[LinkOut])


@router.post(
    "/customers/{int:pk}/identities", response={200: LinkOut, 201: LinkOut, 202: LinkOut}, auth=WRITE,
    url_name="identity_claim", summary="Say that an identity belongs to a customer",
)  # fmt: skip
@once
def identity_claim(request: Caller, pk: Id, body: Body[AnyIdentity]) -> Status[LinkOut]:
    """201: it is theirs now. 202: somebody else we know has it too, and a person decides. 200: it was decided before;
    "state" says whether it is theirs, or somebody said no."""
    customer = found(request, pk)
    place, country = getattr(body, "place", ""), getattr(body, "country", None) or customer.country
    identity = addresses.identity(body.kind, place, body.value, country)
    before = customer.links.filter(identity=identity).values_list("state", flat=True).first()
    link = decisions.claim(
        identity=identity, customer=customer, method=IdentityLink.Method.IMPORT,
        evidence=f"{body.evidence} (API: {request.auth.name})".strip(), by=request.user,
    )  # fmt: skip
    waits = link.state == IdentityLink.State.PROPOSED
    return Status(202 if waits else 200 if link.state == before else 201, LinkOut.of(link))


@router.post(
    "/customers/{int:pk}/identities/{int:link}/withdraw", response={200: LinkOut}, auth=WRITE,
    url_name="identity_withdraw", summary="Take a link back",
)  # fmt: skip
@once
def identity_withdraw(request: Caller, pk: Id, link: Id, body: Withdrawal) -> Status[LinkOut]:
    """The identity is nobody's then, until somebody links it anew. What was said under it stays said."""
    held = get_object_or_404(found(request, pk).links.select_related("identity"), pk=link)
    decisions.withdraw(link=held, by=request.user, why=body.why)
    return Status(200, LinkOut.of(IdentityLink.objects.select_related("identity").get(pk=link)))
