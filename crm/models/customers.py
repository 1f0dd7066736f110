"""The customer: one record, whatever handles they use."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import distinct
from crm.models.look_again import WHEN_RENAMED
from crm.models.match_keys import NAME_FIELDS, MatchKeys
from crm.models.name_words import KEEP_NAME_WORDS
from crm.models.sought import Sought

if TYPE_CHECKING:
    from crm.models.staff import User


class Tier(models.TextChoices):
    STANDARD = "standard", _("Standard")
    VALUED = "valued", _("Valued")
    KEY = "key", _("Key")


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, user: User) -> CustomerQuerySet:
        return self if user.knows_customers else self.none()

    def standing(self) -> CustomerQuerySet:
        """Records that stand for somebody: neither merged into another nor erased."""
        return self.filter(merged_into=None, erased_at=None)

    def hold(self) -> dict[int, Customer]:
        """Lock these records until the transaction ends, in the order of their keys, as everybody takes them: before
        what hangs on them. Rows may still come in for them."""
        rows = self.select_for_update(of=("self",), no_key=True).order_by("pk")
        return {customer.pk: customer for customer in rows}

    def going_by(self, kind: str, place: str, value: str) -> CustomerQuerySet:
        """Whose confirmed identity this is: its key as in `crm.addresses`."""
        from crm.models.identities import IdentityLink

        owners = IdentityLink.objects.confirmed().filter(
            identity__kind=kind, identity__place=place, identity__value=value
        )
        return self.filter(pk__in=owners.values("customer"))

    def with_handles(self) -> CustomerQuerySet:
        """With `confirmed_links` (and their identities) on each, in two more queries."""
        from crm.models.identities import IdentityLink

        confirmed = IdentityLink.objects.filter(state=IdentityLink.State.CONFIRMED)
        links = confirmed.select_related("identity").order_by("id")
        return self.prefetch_related(models.Prefetch("links", links, to_attr="confirmed_links"))

    def with_reach(self) -> CustomerQuerySet:
        """With `reach` on each: their largest public following, None where none is known. It decides nothing."""
        from crm.models.identities import IdentityLink

        return self.annotate(reach=IdentityLink.objects.reach_of("pk"))

    def called(self, words: str) -> CustomerQuerySet:
        """Whose name or one of whose handles contains `words`. For a query within a query; `found` looks further."""
        from crm.finding.names import loosely
        from crm.finding.reading import read
        from crm.models.identities import Identity, IdentityLink

        asked = read(words)
        if not asked.phrases:
            return self.none()
        by_name = Customer.objects.filter(loosely(asked.phrases)).order_by().values("pk")
        links = IdentityLink.objects.confirmed().filter(identity__in=Identity.objects.reading(asked.whole))
        # a union, since an OR across tables would keep PostgreSQL from both trigram indexes
        return self.filter(pk__in=by_name.union(links.order_by().values("customer"), all=True))

    def found(self, words: str) -> CustomerQuerySet:
        """The closest 2,000 of these that `words` mean in any of the ways of `crm.finding`: asked now, in any order."""
        from crm import finding

        hits = finding.closest(self, words, most=finding.MOST_TAKEN).hits
        return self.filter(pk__in=[hit.customer for hit in hits])

    def known(self, known: bool = True) -> CustomerQuerySet:
        """Those we know; or those of whom we have no more than a handle."""
        return self.filter(known_at__isnull=not known)

    def seen_since(self, day: date) -> CustomerQuerySet:
        """First seen on that day or later, in the reader's time zone."""
        return self.filter(created_at__gte=_midnight(day))

    def seen_until(self, day: date) -> CustomerQuerySet:
        """First seen on that day or before, in the reader's time zone."""
        return self.filter(created_at__lt=_midnight(day + timedelta(days=1)))

    def in_accounts(self, has: bool) -> CustomerQuerySet:
        """Who is something to an account now, or who is not."""
        from crm.models.accounts import Stakeholder

        stakes = models.Exists(Stakeholder.objects.present().filter(customer=models.OuterRef("pk")))
        return self.filter(stakes if has else ~stakes)

    def not_to_contact(self) -> CustomerQuerySet:
        return self.filter(do_not_contact_at__isnull=False)

    def whose_consent_is(self, purpose: str, state: str) -> CustomerQuerySet:
        from crm.models.consent import Consent

        said = Consent.objects.filter(customer=models.OuterRef("pk"), purpose=purpose, state=state)
        return self.filter(models.Exists(said))

    def countries(self) -> list[str]:
        return distinct.values("crm_customer", "country")

    def languages(self) -> list[str]:
        return distinct.values("crm_customer", "language")

    def on_network(self, place: str) -> CustomerQuerySet:
        return self._going_by(identity__kind="handle", identity__place=place)

    def reaching(self, followers: int) -> CustomerQuerySet:
        """Who has so many followers at least, somewhere."""
        return self._going_by(identity__reach__gte=followers)

    def _going_by(self, **identity: object) -> CustomerQuerySet:
        from crm.models.identities import IdentityLink

        links = IdentityLink.objects.confirmed().filter(customer=models.OuterRef("pk"), **identity)
        return self.filter(models.Exists(links))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


class Customer(models.Model):
    """A person. Provisional while only a handle is known: `known_at` says since when we know who it is."""

    name = models.CharField(_("name"), max_length=200)
    given_name = models.CharField(_("given name"), max_length=120, blank=True)
    family_name = models.CharField(_("family name"), max_length=120, blank=True)
    nickname = models.CharField(_("also called"), max_length=120, blank=True)
    born_on = models.DateField(_("date of birth"), null=True, blank=True, help_text=_("Only where they gave it to us."))
    tier = models.CharField(_("tier"), max_length=10, choices=Tier.choices, default=Tier.STANDARD)
    language = models.CharField(_("language"), max_length=8, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True, help_text=_("Two letters, as in ISO 3166."))
    city = models.CharField(_("city"), max_length=120, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    about = models.TextField(_("what to know"), blank=True, help_text=_("Facts the customer gave us."))
    created_at = models.DateTimeField(_("first seen"), default=timezone.now)
    known_at = models.DateTimeField(_("known since"), null=True, blank=True)
    do_not_contact_at = models.DateTimeField(
        _("do not contact since"), null=True, blank=True, editable=False,
        help_text=_("Under any circumstances. Set and lifted by crm.consent alone, which keeps who, when and how."),
    )  # fmt: skip
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="absorbed",
        verbose_name=_("merged into"),
    )  # fmt: skip
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)
    sought = models.GeneratedField(
        expression=Sought(*NAME_FIELDS), output_field=models.TextField(), db_persist=True,
        help_text=_("What they are called by, as it is searched."),
    )  # fmt: skip

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.CheckConstraint(condition=models.Q(tier__in=Tier.values), name="a_customer_has_a_known_tier"),
            models.CheckConstraint(
                condition=~models.Q(merged_into=models.F("id")), name="a_customer_is_not_merged_into_itself"
            ),
        ]
        indexes = [
            GinIndex(fields=["sought"], opclasses=["gin_trgm_ops"], name="customer_sought_trigrams"),
            models.Index(fields=["sought"], opclasses=["text_pattern_ops"], name="customer_sought"),
            models.Index(fields=["-created_at", "-id"], name="customer_newest"),
            models.Index(fields=["tier", "-created_at", "-id"], name="customer_newest_of_tier"),
            models.Index(fields=["country", "-created_at", "-id"], name="customer_newest_of_country"),
            models.Index(fields=["language", "-created_at", "-id"], name="customer_newest_of_language"),
            models.Index(
                fields=["-created_at", "-id"], condition=models.Q(do_not_contact_at__isnull=False),
                name="customer_newest_not_to_contact",
            ),
            # no pending list: every look-up would read through it
            GinIndex(OpClass(MatchKeys(*NAME_FIELDS), name="array_ops"), name="customer_match_keys", fastupdate=False),
            models.Index(fields=["born_on"], condition=models.Q(born_on__isnull=False), name="customer_born_on"),
        ]  # fmt: skip
        triggers = [*KEEP_NAME_WORDS, WHEN_RENAMED]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("crm:customer", args=[self.pk])

    @property
    def survivor(self) -> Customer:
        """The record that stands for this one now; itself where it was not merged. One query a step."""
        found = self
        while found.merged_into is not None:
            found = found.merged_into
        return found

    @property
    def is_provisional(self) -> bool:
        return self.known_at is None
