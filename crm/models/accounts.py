"""Organisations, and the people who decide in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Length, Upper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.outside import FromOutside, outside_id_stands_once
from crm.models.sought import Sought

if TYPE_CHECKING:
    from crm.models.customers import Customer
    from crm.models.staff import User


class AccountQuerySet(models.QuerySet["Account"]):
    def visible_to(self, user: User) -> AccountQuerySet:
        return self if user.knows_customers else self.none()

    def in_use(self) -> AccountQuerySet:
        return self.filter(closed_at=None)

    def closed(self) -> AccountQuerySet:
        return self.exclude(closed_at=None)

    def called(self, words: str) -> AccountQuerySet:
        """Whose name holds all of `words`, however they are accented, or whose id in the other system is `words`."""
        from crm.finding.names import loosely
        from crm.finding.reading import read

        asked = read(words)
        by_id = Account.objects.filter(external_id__iexact=asked.text).order_by().values("pk")
        if not asked.phrases:
            return self.filter(pk__in=by_id)
        by_name = Account.objects.filter(loosely(asked.phrases)).order_by().values("pk")
        # a union, since an OR would keep PostgreSQL from both indexes
        return self.filter(pk__in=by_name.union(by_id, all=True))

    def shortest_first(self) -> AccountQuerySet:
        """Of names that hold the words looked for, the one that says least besides stands on top."""
        return self.order_by(Length("name"), "name", "id")


class Account(FromOutside):
    """An organisation that buys from us, or sells for us."""

    class Kind(models.TextChoices):
        BUYER = "buyer", _("Buys from us")
        PARTNER = "partner", _("Partner")
        RESELLER = "reseller", _("Reseller")

    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.BUYER)
    industry = models.CharField(_("industry"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True, help_text=_("Two letters, as in ISO 3166."))
    city = models.CharField(_("city"), max_length=120, blank=True)
    website = models.URLField(_("website"), max_length=300, blank=True)
    runs = models.CharField(_("what they run"), max_length=200, blank=True, help_text=_("6,500 servers in Austin"))
    about = models.TextField(_("what to know"), blank=True)
    owner = models.ForeignKey(
        "crm.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="accounts",
        verbose_name=_("their sales person"),
    )  # fmt: skip
    created_at = models.DateTimeField(_("with us since"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    sought = models.GeneratedField(
        expression=Sought("name"), output_field=models.TextField(), db_persist=True,
        help_text=_("What they are called, as it is searched."),
    )  # fmt: skip

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            outside_id_stands_once("an_account_has_its_outside_id_once"),
            models.CheckConstraint(condition=~models.Q(name=""), name="an_account_has_a_name"),
        ]
        indexes = [
            GinIndex(fields=["sought"], opclasses=["gin_trgm_ops"], name="account_sought_trigrams"),
            models.Index(fields=["name", "id"], name="account_by_name"),
            models.Index(fields=["country", "name", "id"], name="account_of_country_by_name"),
            models.Index(fields=["owner", "name", "id"], name="account_of_owner_by_name"),
            models.Index(
                fields=["name", "id"], condition=models.Q(closed_at__isnull=False), name="account_closed_by_name"
            ),
            models.Index(Upper("external_id"), name="account_by_outside_id"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("crm:account", args=[self.pk])

    def close(self) -> None:
        """No longer one of ours. Not saved."""
        self.closed_at = self.closed_at or timezone.now()

    def open_again(self) -> None:
        """Not saved."""
        self.closed_at = None


class PersonaQuerySet(models.QuerySet["Persona"]):
    def in_use(self) -> PersonaQuerySet:
        return self.filter(retired_at=None)

    def with_people(self) -> PersonaQuerySet:
        """With `people`, how many stakeholders who are still there have it."""
        there = models.Count("stakeholders", filter=models.Q(stakeholders__left_on=None))
        return self.annotate(people=there).order_by("name")


class Persona(models.Model):
    """A kind of person one meets in accounts; a short list that leads keep."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    description = models.CharField(_("what moves them"), max_length=300, blank=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = PersonaQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("persona")
        verbose_name_plural = _("personas")

    def __str__(self) -> str:
        return self.name


class StakeholderQuerySet(models.QuerySet["Stakeholder"]):
    def visible_to(self, user: User) -> StakeholderQuerySet:
        return self if user.knows_customers else self.none()

    def present(self) -> StakeholderQuerySet:
        """Those who are still there, as people who can be spoken to: neither merged into another nor erased."""
        return self.filter(left_on=None, customer__merged_into=None, customer__erased_at=None)

    def left(self) -> StakeholderQuerySet:
        """Those who are no longer there, whoever left last on top."""
        return self.exclude(left_on=None).order_by("-left_on", "-id")

    def of_account(self, account: Account) -> StakeholderQuerySet:
        return self.filter(account=account)

    def of_customer(self, customer: Customer) -> StakeholderQuerySet:
        """What they are now, to accounts that are in use."""
        return self.filter(customer=customer, left_on=None, account__closed_at=None)

    def weightiest_first(self) -> StakeholderQuerySet:
        """Who decides stands on top."""
        order = [models.When(influence=value, then=n) for n, value in enumerate(Stakeholder.Influence.values)]
        return self.order_by(models.Case(*order), "customer__name", "id")


class Stakeholder(models.Model):
    """What a customer is to an account. One person may be several things to it, and to several accounts."""

    class Role(models.TextChoices):
        BUYER = "buyer", _("Buyer")
        USER = "user", _("User")
        TECHNICAL = "technical", _("Technical contact")
        MANAGER = "manager", _("Manager")
        EXECUTIVE = "executive", _("Executive")
        PARTNER = "partner", _("Partner")
        RESELLER = "reseller", _("Reseller")
        OTHER = "other", _("Other")

    class Influence(models.TextChoices):
        DECIDES = "decides", _("Decides")
        STRONG = "strong", _("Strong influence")
        SOME = "some", _("Some influence")
        UNKNOWN = "unknown", _("Not known")

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="stakeholders", verbose_name=_("account")
    )
    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.CASCADE, related_name="stakes", verbose_name=_("customer")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.USER)
    influence = models.CharField(
        _("influence on the decision"), max_length=10, choices=Influence.choices, default=Influence.UNKNOWN
    )
    persona = models.ForeignKey(
        Persona,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="stakeholders",
        verbose_name=_("persona"),
    )
    title = models.CharField(_("job title"), max_length=120, blank=True)
    since_on = models.DateField(_("since"), null=True, blank=True)
    left_on = models.DateField(_("left"), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = StakeholderQuerySet.as_manager()

    class Meta:
        verbose_name = _("stakeholder")
        verbose_name_plural = _("stakeholders")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "customer", "role"], name="a_customer_has_a_role_in_an_account_once"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    role__in=["buyer", "user", "technical", "manager", "executive", "partner", "reseller", "other"]
                ),
                name="a_stakeholder_has_a_known_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} · {self.account}"

    @property
    def relation(self) -> str:
        """What the account is to this person's dealings with us, to stand before its name."""
        return str(RELATIONS[Stakeholder.Role(self.role)])


RELATIONS = {
    Stakeholder.Role.BUYER: _("Also buys for"),
    Stakeholder.Role.MANAGER: _("Also buys for"),
    Stakeholder.Role.EXECUTIVE: _("Also buys for"),
    Stakeholder.Role.USER: _("Also uses us for"),
    Stakeholder.Role.TECHNICAL: _("Also runs us for"),
    Stakeholder.Role.PARTNER: _("Partner through"),
    Stakeholder.Role.RESELLER: _("Resells through"),
    Stakeholder.Role.OTHER: _("Also belongs to"),
}
