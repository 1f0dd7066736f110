"""A file of records from another system on its way in: each row accounted for, the whole undoable."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Import(models.Model):
    """One file and one reading of it. How far it came is a number moved in the transaction that wrote the rows."""

    class What(models.TextChoices):
        CUSTOMERS = "customers", _("Customers")
        ACCOUNTS = "accounts", _("Accounts")
        LINKS = "links", _("Handles, addresses and numbers of customers")
        STAKEHOLDERS = "stakeholders", _("Stakeholders of accounts")
        ORDERS = "orders", _("Orders")
        PRODUCTS = "products", _("Products owned")
        CONSENTS = "consents", _("Consents")
        RESPONSES = "responses", _("Responses to surveys")

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Columns to be named")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")
        BROKEN = "broken", _("Broken off")

    what = models.CharField(_("what"), max_length=14, choices=What.choices)
    source = models.SlugField(_("other system"), max_length=40, help_text=_("Whose ids these are: crm, shop, …"))
    name = models.CharField(_("file"), max_length=200)
    file = models.FileField(_("as it came"), upload_to="imports/")
    size = models.BigIntegerField(_("size"), default=0, help_text=_("Bytes."))
    encoding = models.CharField(_("encoding"), max_length=40, blank=True)
    delimiter = models.CharField(_("between the cells"), max_length=1, blank=True, help_text=_("Empty: JSON Lines."))
    header = models.JSONField(_("their columns"), default=list, help_text=_("Each once, in the order of the file."))
    columns = models.JSONField(_("columns"), default=dict, help_text=_("Our field → a list of their columns."))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.UPLOADED)
    rows = models.PositiveIntegerField(_("rows in the file"), null=True, blank=True)
    done = models.PositiveIntegerField(_("rows worked off"), default=0)
    bytes_done = models.BigIntegerField(_("bytes worked off"), default=0, help_text=_("Where the next row begins."))
    made = models.PositiveIntegerField(_("new"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    same = models.PositiveIntegerField(_("as they were"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    parked = models.PositiveIntegerField(
        _("claims that wait"), default=0, help_text=_("Somebody else we know has the same address: a person decides.")
    )
    trouble = models.CharField(_("what is wrong"), max_length=300, blank=True)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True, help_text=_("Empty while only checked."))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    undone_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("undone by")
    )
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(state__in=["checking", "running", "undoing"]), name="import_under_way"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("crm:import", args=[self.pk])

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.CHECKING, self.State.RUNNING, self.State.UNDOING)

    @property
    def can_be_undone(self) -> bool:
        """Whether it did something that an undo may take back; one that broke off did so too."""
        return self.state in (self.State.DONE, self.State.BROKEN) and self.started_at is not None

    @property
    def to_do(self) -> int:
        """Of a file that was checked: rows of which something would come."""
        return self.made + self.changed

    @property
    def per_cent(self) -> int:
        """How far it came, by bytes: how many rows there are is known at the end."""
        return min(100, 100 * self.bytes_done // self.size) if self.size else 0


class RefusedRow(models.Model):
    """A row that was refused, as it came, and why."""

    run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="errors")
    number = models.PositiveIntegerField(_("row"), help_text=_("Counted from 1, without the header."))
    cells = models.JSONField(_("as it came"), default=list)
    sentence = models.CharField(_("what is wrong"), max_length=500)

    class Meta:
        verbose_name = _("refused row")
        verbose_name_plural = _("refused rows")
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="a_row_is_refused_once_an_import")]

    def __str__(self) -> str:
        return f"{self.number}: {self.sentence}"


class ImportChange(models.Model):
    """One row of ours an import made or changed. `before` holds the columns it changed; empty for one it made."""

    run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="changes")
    kind = models.CharField(_("kind of record"), max_length=60)
    row = models.BigIntegerField(_("record"))
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        verbose_name = _("change by an import")
        verbose_name_plural = _("changes by imports")
        indexes = [models.Index(fields=["kind", "row"], name="import_changes_of_a_record")]

    def __str__(self) -> str:
        return f"{self.kind} {self.row}"
