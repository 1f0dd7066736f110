"""Handles, addresses and numbers, and the proof that they belong to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import connection, models
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import distinct
from crm.models.look_again import WHEN_MOVED

if TYPE_CHECKING:
    from crm.models.staff import User


PLACES = """
WITH RECURSIVE found(kind, place) AS (
    SELECT kind, (SELECT min(place) FROM crm_identity AS i WHERE i.kind = k.kind)
    FROM (VALUES ('handle'), ('external')) AS k(kind)
    UNION ALL
    SELECT f.kind, (SELECT min(place) FROM crm_identity AS i WHERE i.kind = f.kind AND i.place > f.place)
    FROM found AS f WHERE f.place IS NOT NULL
) SELECT place FROM found
"""


class IdentityQuerySet(models.QuerySet["Identity"]):
    def written(self, place: str, handle: str) -> Identity | None:
        """The one handle that is written like this there, whatever its network's key; None for none, or for several."""
        here = self.filter(kind=Identity.Kind.HANDLE, place=place)
        if keyed := here.filter(value=handle.casefold()).first():
            return keyed
        hits = list(here.filter(handle__iexact=handle)[:2])
        return hits[0] if len(hits) == 1 else None

    def to_match(self) -> IdentityQuerySet:
        """Those nobody has looked for whom they belong to."""
        return self.filter(matched_at=None)

    def numbered(self, number: str) -> list[Identity]:
        """The records with this customer number, in any system: as written, else in other letters. Ten at most."""
        # by the handle, since its index ignores case
        hits: list[Identity] = list(self.filter(kind=Identity.Kind.EXTERNAL, handle__iexact=number).order_by("id")[:10])
        return [hit for hit in hits if hit.value == number] or hits

    def reading(self, text: str) -> IdentityQuerySet:
        """Whose handle, address or number has `text` in it, as written; it begins with it where that is short."""
        from crm.finding.reading import is_selective

        return self.filter(**{"handle__icontains" if is_selective(text) else "handle__istartswith": text})

    def networks(self) -> list[str]:
        """The networks there are handles of."""
        return distinct.values("crm_identity", "place", "kind = 'handle'")

    def places(self) -> list[str]:
        """The networks and other systems we know somebody in. One step down the index a place, not one a row."""
        with connection.cursor() as cursor:
            cursor.execute(PLACES)
            return sorted({place for (place,) in cursor.fetchall() if place})


class Identity(models.Model):
    """One name somebody goes by in one place. Unique per kind, place and value."""

    class Kind(models.TextChoices):
        HANDLE = "handle", _("Handle")
        EMAIL = "email", _("E-mail")
        PHONE = "phone", _("Phone")
        EXTERNAL = "external", _("Record in another system")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.HANDLE)
    place = models.CharField(_("network"), max_length=40, blank=True, help_text=_("Empty for e-mail and phone."))
    value = models.CharField(_("key"), max_length=255, help_text=_("What never changes there: an id, else the handle."))
    handle = models.CharField(_("as written"), max_length=255, blank=True)
    display_name = models.CharField(_("display name"), max_length=255, blank=True)
    profile_url = models.URLField(_("profile"), max_length=500, blank=True)
    reach = models.PositiveIntegerField(_("reach"), null=True, blank=True, help_text=_("Followers, where public."))
    location = models.CharField(_("place they give"), max_length=120, blank=True, help_text=_("As in the profile."))
    profile_links = models.JSONField(
        _("links they give"), default=list, blank=True, help_text=_("Addresses in the profile.")
    )
    first_seen_at = models.DateTimeField(_("first seen"), default=timezone.now)
    verified_at = models.DateTimeField(
        _("verified"), null=True, blank=True, editable=False, help_text=_("Its owner proved to hold it.")
    )
    unreachable_at = models.DateTimeField(
        _("unreachable"), null=True, blank=True, editable=False, help_text=_("Since then nothing is sent there.")
    )
    unreachable_why = models.CharField(
        _("why unreachable"), max_length=300, blank=True, editable=False, help_text=_("As the mail server said it.")
    )
    looked_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When we last read the profile again.")
    )
    matched_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When we last looked for whom it belongs to.")
    )
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)

    objects = IdentityQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            models.UniqueConstraint(fields=["kind", "place", "value"], name="an_identity_stands_once_per_place"),
            models.CheckConstraint(condition=~models.Q(value=""), name="an_identity_has_a_value"),
            models.CheckConstraint(
                condition=models.Q(erased_at=None)
                | models.Q(
                    handle="", display_name="", profile_url="", location="", profile_links=[], unreachable_why=""
                ),
                name="an_erased_identity_names_nobody",
            ),
            models.CheckConstraint(
                condition=models.Q(unreachable_why="") | models.Q(unreachable_at__isnull=False),
                name="an_identity_that_is_unreachable_says_since_when",
            ),
        ]
        indexes = [
            GinIndex(OpClass(Upper("handle"), name="gin_trgm_ops"), name="identity_handle_trigrams"),
            models.Index(OpClass(Upper("handle"), name="text_pattern_ops"), name="identity_by_handle"),
            GinIndex(
                fields=["value"],
                opclasses=["gin_trgm_ops"],
                condition=models.Q(kind="phone"),
                name="identity_phone_digits",
            ),
            models.Index(fields=["reach"], condition=models.Q(reach__isnull=False), name="identity_by_reach"),
            models.Index(fields=["id"], condition=models.Q(matched_at=None), name="identity_to_match"),
            models.Index(Upper("profile_url"), condition=~models.Q(profile_url=""), name="identity_by_profile"),
            GinIndex(fields=["profile_links"], condition=~models.Q(profile_links=[]), name="identity_by_links"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_reachable(self) -> bool:
        return self.erased_at is None and self.unreachable_at is None

    @property
    def label(self) -> str:
        """As people write it: @handle on a network, else the address or number itself."""
        if self.erased_at:
            return gettext("Erased customer")
        shown = self.handle or self.value
        return f"@{shown}" if self.kind == self.Kind.HANDLE else shown


class IdentityLinkQuerySet(models.QuerySet["IdentityLink"]):
    def confirmed(self) -> IdentityLinkQuerySet:
        return self.filter(state=IdentityLink.State.CONFIRMED)

    def of_record(self) -> IdentityLinkQuerySet:
        """What the record itself says: confirmed, or claimed by whoever brought the customer in; no mere likeness."""
        claimed = models.Q(state=IdentityLink.State.PROPOSED) & ~models.Q(method=IdentityLink.Method.MATCHED)
        return self.filter(models.Q(state=IdentityLink.State.CONFIRMED) | claimed)

    def reach_of(self, customer: str) -> models.Subquery:
        """For queries: a customer's reach, the largest public following among their identities; None where none is.

        `customer` names the column of the query around it that holds the customer's key.
        """
        theirs = self.confirmed().filter(customer=models.OuterRef(customer)).order_by().values("customer")
        return models.Subquery(theirs.annotate(largest=models.Max("identity__reach")).values("largest"))

    def visible_to(self, user: User) -> IdentityLinkQuerySet:
        return self if user.knows_customers else self.none()

    def proposed(self) -> IdentityLinkQuerySet:
        """Waiting for a person to decide, between records that still stand.

        Not those that were overtaken: their identity was given to somebody we know after they were proposed. They
        come back by themselves where that is taken back.
        """
        standing = {"customer__merged_into": None, "customer__erased_at": None, "identity__erased_at": None}
        overtaken = _owned_by_known().filter(decided_at__gte=models.OuterRef("created_at"))
        return self.filter(state=IdentityLink.State.PROPOSED, **standing).exclude(models.Exists(overtaken))

    def conflicts(self) -> IdentityLinkQuerySet:
        """Proposed, though the identity has a confirmed owner already whom we know: two claim one handle."""
        return self.proposed().filter(models.Exists(_owned_by_known()))

    def concerning(self, customer: int) -> IdentityLinkQuerySet:
        """About this customer: for them, or about an identity they have."""
        theirs = IdentityLink.objects.confirmed().filter(customer=customer)
        return self.filter(models.Q(customer=customer) | models.Q(identity__in=theirs.values("identity")))

    def of_identities_of(self, customer: int) -> IdentityLinkQuerySet:
        """About an identity this customer has."""
        theirs = IdentityLink.objects.confirmed().filter(customer=customer)
        return self.filter(identity__in=theirs.values("identity"))

    def decided(self) -> IdentityLinkQuerySet:
        """What became of proposals: accepted or rejected, by somebody or by a rule."""
        outcomes = (IdentityLink.State.CONFIRMED, IdentityLink.State.REJECTED)
        return self.filter(state__in=outcomes, score__isnull=False, decided_at__isnull=False)


def _owned_by_known() -> IdentityLinkQuerySet:
    """For queries: the confirmed link of the identity of the row around it, where we know its owner."""
    confirmed = IdentityLink.objects.confirmed().filter(customer__known_at__isnull=False)
    return confirmed.filter(identity=models.OuterRef("identity"))


class IdentityLink(models.Model):
    """Says that an identity belongs to a customer: in what state, on what evidence, by whom.

    The pair stands once, so that one who was rejected is never proposed again.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        CONFIRMED = "confirmed", _("Confirmed")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Method(models.TextChoices):
        FIRST_CONTACT = "first_contact", _("First contact: the record was opened for this identity")
        ASKED = "asked", _("They identified themselves")
        SAID_SO = "said_so", _("They said so in public")
        IMPORT = "import", _("Imported")
        MATCHED = "matched", _("Matched")
        BY_HAND = "by_hand", _("Linked by hand")

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="links", verbose_name=_("identity"))
    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.CASCADE, related_name="links", verbose_name=_("customer")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.CONFIRMED)
    method = models.CharField(_("how"), max_length=16, choices=Method.choices)
    evidence = models.CharField(_("evidence"), max_length=500, blank=True)
    score = models.FloatField(_("score"), null=True, blank=True, help_text=_("0 to 1, of a match."))
    points = models.JSONField(
        _("points of evidence"), default=list, blank=True, help_text=_('Of a match: [{"says": …, "weight": …}].')
    )
    by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    decided_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects = IdentityLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("link of an identity")
        verbose_name_plural = _("links of identities")
        constraints = [
            models.UniqueConstraint(
                fields=["identity"], condition=models.Q(state="confirmed"), name="an_identity_has_one_confirmed_owner"
            ),
            models.UniqueConstraint(fields=["identity", "customer"], name="an_identity_and_customer_meet_once"),
            models.CheckConstraint(
                condition=models.Q(decided_at__isnull=False) | models.Q(decided_by=None),
                name="who_decided_a_link_has_a_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="proposed") | models.Q(score__isnull=False),
                name="a_proposed_link_has_a_score",
            ),
        ]
        indexes = [
            models.Index(
                models.F("score").desc(), models.F("id").desc(),
                condition=models.Q(state="proposed"), name="link_to_decide",
            ),
            models.Index(
                models.F("decided_at").desc(), models.F("id").desc(),
                condition=models.Q(score__isnull=False, decided_at__isnull=False), name="link_decided",
            ),
        ]  # fmt: skip
        triggers = [WHEN_MOVED]

    def __str__(self) -> str:
        return f"{self.identity} → {self.customer}"
