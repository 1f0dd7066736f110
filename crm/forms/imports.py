"""A file to import, and what its columns mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.validators import validate_slug
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.importing import mapping
from crm.importing.bringing import MOST_BYTES
from crm.importing.fields import FIELDS, What
from crm.importing.files import ENCODINGS
from crm.models import Import


class ImportForm(forms.Form):
    what = forms.ChoiceField(label=gettext_lazy("What is in it"), choices=Import.What.choices)
    source = forms.CharField(
        label=gettext_lazy("From which system"), max_length=40, initial="crm", validators=[validate_slug],
        help_text=gettext_lazy(
            "Whose ids these are, in one word: crm, shop. Use the same word each time, so that a record is known again."
            " For a file that was exported here write hark."
        ),
    )  # fmt: skip
    file = forms.FileField(
        label=gettext_lazy("File"), max_length=200,
        help_text=gettext_lazy("CSV or JSON Lines, at most {most} MB.").format(most=MOST_BYTES // 1024 // 1024),
    )  # fmt: skip

    def clean_source(self) -> str:
        source: str = self.cleaned_data["source"]
        return source.lower()


class EncodingForm(forms.Form):
    encoding = forms.ChoiceField(label=gettext_lazy("Written in"), choices=list(ENCODINGS.items()))


class ColumnsForm(forms.Form):
    """A field for each column of the file: what it is to become."""

    def __init__(self, data: Any, *, run: Import) -> None:
        super().__init__(data)
        self.run = run
        choices = _choices(run)
        named = {column: ours for ours, theirs in run.columns.items() for column in theirs}
        for number, column in enumerate(run.header):
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=column, choices=choices, required=False, initial=named.get(column, "")
            )

    @property
    def columns(self) -> mapping.Columns:
        """The mapping that was chosen; before that, the one there is."""
        if not self.is_bound:
            return dict(self.run.columns)
        found: mapping.Columns = {}
        for number, column in enumerate(self.run.header):
            if ours := self.cleaned_data.get(f"column_{number}"):
                found.setdefault(ours, []).append(column)
        return found

    def clean(self) -> None:
        for ours, theirs in self.columns.items():
            if len(theirs) > 1 and not mapping.may_hold_several(self.run.what, ours):
                said = _("“{column}” holds this already; only one column can.").format(column=theirs[0])
                for column in theirs[1:]:
                    self.add_error(f"column_{self.run.header.index(column)}", said)

    def rows(self) -> Iterator[forms.BoundField]:
        yield from self


def _choices(run: Import) -> list[tuple[str, Any]]:
    fields = [(each.name, _marked(each.label, each.needed)) for each in FIELDS[run.what]]
    offered: list[tuple[str, Any]] = [("", _("– left out –")), *fields]
    if run.what == What.CUSTOMERS:
        there = {*mapping.networks(), *(name.partition(":")[2] for name in run.columns if ":" in name)}
        said = _("Handle on {network}")
        offered.append((_("Handles"), [(f"handle:{place}", said.format(network=place)) for place in sorted(there)]))
    return offered


def _marked(label: object, needed: bool) -> str:
    return f"{label} *" if needed else str(label)
