"""Widgets that are drawn often."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.utils.html import escape
from django.utils.safestring import SafeString


class Select(forms.Select):
    """As Django's: drawn by one join, where a template a choice took most of a page."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        chosen = set(self.format_value(value))
        built = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        options = "".join(_choice(key, label, chosen) for key, label in self.choices)
        return SafeString(f"<select{flatatt(built)}>{options}</select>")


def _choice(key: Any, label: Any, chosen: set[str]) -> str:
    """An option; of a group, whose label is its list, all of them under its name."""
    if not isinstance(label, list | tuple):
        return _option(key, label, chosen)
    options = "".join(_option(value, text, chosen) for value, text in label)
    return f'<optgroup label="{escape(key)}">{options}</optgroup>'


def _option(key: Any, label: Any, chosen: set[str]) -> str:
    text = "" if key is None else str(key)
    return f'<option value="{escape(text)}"{" selected" if text in chosen else ""}>{escape(label)}</option>'
