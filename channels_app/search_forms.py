"""A saved search, as a lead writes it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_app import listening
from channels_app.models import Search


class SearchForm(forms.ModelForm[Search]):
    class Meta:
        model = Search
        fields = ["name", "channel", "words", "joins_queue"]
        labels = {"words": _("What to listen for"), "channel": _("Where")}
        help_texts = {
            "words": _("As the network’s own search takes it: words, a “phrase”, on Mastodon a #hashtag. No names."),
            "channel": _("It searches through our account there."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        able = listening.channels()
        chosen = [(channel.pk, channel.name) for channel in able]
        field: Any = self.fields["channel"]
        field.choices = chosen if len(chosen) == 1 else [("", _("Choose a channel")), *chosen]
        self.fields["name"].help_text = _("How it is called in the list of what it found.")

    def _get_validation_exclusions(self) -> set[str]:
        """That it stands already is said by `listening.keep`, in a whole sentence."""
        inherited: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return {*inherited, "channel"}
