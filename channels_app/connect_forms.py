"""Forms that connect an account: what each network needs, what we call it here, and apps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app.models import App, Channel
from channels_app.platforms.abilities import Access
from channels_app.platforms.email.mailbox import IMAP, SMTP, Security
from channels_app.platforms.errors import Rejected
from channels_app.platforms.mastodon.joining import server_of
from crm.errors import Refused
from crm.models import Team, User
from crm.models.staff import CARE_ROLES
from crm.webhooks import guard

CODE = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off", "dir": "ltr"}


def word(label: Any, help_text: Any = "", *, required: bool = True, placeholder: str = "") -> forms.CharField:
    widget = forms.TextInput(attrs={**CODE, "placeholder": placeholder})
    return forms.CharField(label=label, help_text=help_text, required=required, max_length=500, widget=widget)


def hidden(label: Any, help_text: Any = "", *, required: bool = True, strip: bool = True) -> forms.CharField:
    """Never drawn with what is in it."""
    widget = forms.PasswordInput(attrs={**CODE, "autocomplete": "new-password"})
    return forms.CharField(
        label=label, help_text=help_text, required=required, max_length=2_000, strip=strip, widget=widget
    )


def judged(url: str) -> str:
    """An address Hark may ask. Raises ValidationError."""
    try:
        return guard.check(url)
    except Refused as refusal:
        raise forms.ValidationError(str(refusal)) from refusal


class Needs(forms.Form):
    """What a network needs. `told` and `secret` name the fields that become settings and secrets of its Access.

    With `held` it is changed: a secret that is left empty stays as it is.
    """

    told: ClassVar[Sequence[str]] = ()
    secret: ClassVar[Sequence[str]] = ()
    network: ClassVar[str] = ""  # of the app it is opened through
    parts: ClassVar[Sequence[tuple[Any, Sequence[str]]]] = ()

    def __init__(self, data: Any = None, *, held: Access | None = None, app: App | None = None) -> None:
        super().__init__(data, initial={**(held.settings if held else {}), "app": app})
        self.held = held
        if self.network:
            choice = forms.ModelChoiceField(App.objects.filter(network=self.network), label=_("App"), empty_label=None)
            self.fields = {"app": choice} | self.fields
        for name in self.secret:
            if held and held.secrets.get(name):
                self.fields[name].required = False
                self.fields[name].help_text = _("Leave it empty to keep the one there is.")

    def groups(self) -> Iterable[tuple[Any, list[BoundField]]]:
        if not self.parts:
            return [("", list(self.visible_fields()))]
        return [(legend, [self[name] for name in names]) for legend, names in self.parts]

    @property
    def app(self) -> App | None:
        found: App | None = self.cleaned_data.get("app")
        return found

    def access(self) -> Access:
        """With what was held before, but for keys that came of a secret typed anew. What is left empty is not told."""
        told = {name: value for name in self.told if (value := self.settled(name))}
        typed = {name: self.cleaned_data[name] for name in self.secret if self.cleaned_data.get(name)}
        if self.held is None:
            return Access(told, typed)
        before = {name: self.held.secrets[name] for name in self.secret if name in self.held.secrets}
        kept = {name: value for name, value in self.held.settings.items() if name not in self.told}
        return Access(kept | told, before | typed)

    def settled(self, name: str) -> str:
        value = self.cleaned_data.get(name)
        if isinstance(value, bool):
            return "yes" if value else ""
        return "" if value is None else str(value)


class MastodonNeeds(Needs):
    told = ("server",)
    server = word(gettext_lazy("Server"), gettext_lazy("Where your account is."), placeholder="mastodon.social")

    def clean_server(self) -> str:
        try:
            return judged(server_of(self.cleaned_data["server"]))
        except Rejected as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class BlueskyNeeds(Needs):
    told, secret = ("server", "handle"), ("app_password",)
    handle = word(gettext_lazy("Handle"), placeholder="brand.bsky.social")
    app_password = hidden(
        gettext_lazy("App password"),
        gettext_lazy("Made at Bluesky under Settings, Privacy and security, App passwords: never the account’s own."),
    )
    server = word(gettext_lazy("Server"), gettext_lazy("Another only where your account is elsewhere."))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.initial.setdefault("server", "https://bsky.social")

    def clean_server(self) -> str:
        return judged(_with_scheme(self.cleaned_data["server"]))

    def clean_handle(self) -> str:
        return str(self.cleaned_data["handle"]).strip().lstrip("@")


SECURITY = (
    (Security.TLS.value, gettext_lazy("TLS")), (Security.STARTTLS.value, gettext_lazy("STARTTLS")),
    (Security.NONE.value, gettext_lazy("None: only on this machine")),
)  # fmt: skip


def _port() -> forms.IntegerField:
    help_text = gettext_lazy("Empty: the usual one.")
    return forms.IntegerField(
        label=gettext_lazy("Port"), required=False, min_value=1, max_value=65_535, help_text=help_text
    )


def _security() -> forms.ChoiceField:
    return forms.ChoiceField(label=gettext_lazy("Encryption"), choices=SECURITY, initial=Security.TLS.value)


class EmailNeeds(Needs):
    told = (
        "address", "imap_host", "imap_port", "imap_security", "imap_user", "folder", "smtp_host", "smtp_port",
        "smtp_security", "smtp_user", "plus_addresses", "backfill_days", "name",
    )  # fmt: skip
    secret = ("password", "smtp_password")
    parts = (
        (gettext_lazy("The mailbox"), ("address", "name", "password")),
        (
            gettext_lazy("Where it is read (IMAP)"),
            ("imap_host", "imap_security", "imap_port", "imap_user", "folder", "backfill_days"),
        ),
        (
            gettext_lazy("Where mail is handed in (SMTP)"),
            ("smtp_host", "smtp_security", "smtp_port", "smtp_user", "smtp_password", "smtp_open", "plus_addresses"),
        ),
    )
    address = forms.EmailField(label=gettext_lazy("Address"), help_text=gettext_lazy("What customers write to."))
    name = forms.CharField(label=gettext_lazy("Signed as"), required=False, max_length=80)
    password = hidden(gettext_lazy("Password"), strip=False)
    imap_host = word(gettext_lazy("Server"), placeholder="imap.example.com")
    imap_port, imap_security = _port(), _security()
    imap_user = word(gettext_lazy("User"), gettext_lazy("Empty: the address."), required=False)
    folder = forms.CharField(label=gettext_lazy("Folder"), initial="INBOX", max_length=200)
    backfill_days = forms.IntegerField(
        label=gettext_lazy("Days to read back"), initial=14, min_value=0, max_value=365,
        help_text=gettext_lazy("How old a mail may be when the mailbox is connected."),
    )  # fmt: skip
    smtp_host = word(gettext_lazy("Server"), placeholder="smtp.example.com")
    smtp_port, smtp_security = _port(), _security()
    smtp_user = word(gettext_lazy("User"), gettext_lazy("Empty: the address."), required=False)
    smtp_password = hidden(
        gettext_lazy("Password"), gettext_lazy("Empty: the mailbox’s own."), required=False, strip=False
    )
    smtp_open = forms.BooleanField(label=gettext_lazy("It wants no login"), required=False)
    plus_addresses = forms.BooleanField(
        label=gettext_lazy("It takes care+anything@…"), required=False,
        help_text=gettext_lazy("Then an answer finds its way though a mail program has lost what it answers."),
    )  # fmt: skip

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.initial["smtp_open"] = self.initial.get("smtp_user") == ""

    def access(self) -> Access:
        """A user who is named, and is nobody, is no login."""
        found = super().access()
        return replace(found, settings={**found.settings, "smtp_user": ""}) if self.cleaned_data["smtp_open"] else found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for line, usual in (("imap", IMAP), ("smtp", SMTP)):
            if cleaned.get(f"{line}_host") and cleaned.get(f"{line}_security"):
                security = Security(cleaned[f"{line}_security"])
                self._judge(f"{line}_host", cleaned.get(f"{line}_port") or usual[security], security)
        return cleaned

    def _judge(self, field: str, port: int, security: Security) -> None:
        """What is said in plain is said on this machine alone."""
        host, plain = self.cleaned_data[field], security is Security.NONE
        try:
            guard.check(f"{'http' if plain else 'https'}://{host}:{port}")
        except guard.NotEncrypted:
            self.add_error(field, _("Without encryption everybody on the way reads the password: choose TLS."))
        except guard.BadAddress:
            self.add_error(field, _("This is not the name of a server, such as imap.example.com."))
        except Refused as refusal:
            self.add_error(field, str(refusal))


class FeedNeeds(Needs):
    told = ("url",)
    url = word(gettext_lazy("Address of the feed"), placeholder="https://example.com/feed")

    def clean_url(self) -> str:
        return judged(_with_scheme(self.cleaned_data["url"]))


class WordPressNeeds(Needs):
    told, secret = ("url", "user"), ("password",)
    url = word(gettext_lazy("Address of the site"), placeholder="https://blog.example.com")
    user = word(gettext_lazy("User"), gettext_lazy("It may moderate comments: the role Editor."))
    password = hidden(
        gettext_lazy("Application password"),
        gettext_lazy("Made in WordPress in the user’s profile: never the password they sign in with."),
    )

    def clean_url(self) -> str:
        return judged(_with_scheme(self.cleaned_data["url"])).rstrip("/")


class OwnNeeds(Needs):
    told = ("url",)
    url = word(
        gettext_lazy("Address to call"),
        gettext_lazy("Where your side takes answers. Empty: the channel only listens."), required=False,
        placeholder="https://",
    )  # fmt: skip

    def clean_url(self) -> str:
        url = self.cleaned_data["url"]
        return judged(_with_scheme(url)) if url else ""


class FacebookNeeds(Needs):
    network, told = App.Network.META, ("page_id",)
    page_id = word(
        gettext_lazy("Id of the Page"), gettext_lazy("Only where you look after several."), required=False
    )  # fmt: skip


class InstagramNeeds(Needs):
    network, told = App.Network.META, ("instagram_id",)
    instagram_id = word(
        gettext_lazy("Id of the account"), gettext_lazy("Only where you look after several."), required=False
    )  # fmt: skip


class WhatsAppNeeds(Needs):
    network, told, secret = App.Network.META, ("phone_id",), ("access_token",)
    phone_id = word(gettext_lazy("Phone number id"), gettext_lazy("Meta’s number for the number, in WhatsApp Manager."))
    access_token = hidden(gettext_lazy("Access token"), gettext_lazy("The permanent one of a system user."))


class XNeeds(Needs):
    network = App.Network.X


NEEDS: dict[str, type[Needs]] = {
    "mastodon": MastodonNeeds, "bluesky": BlueskyNeeds, "email": EmailNeeds, "feed": FeedNeeds,
    "wordpress": WordPressNeeds, "own_channel": OwnNeeds, "facebook": FacebookNeeds, "instagram": InstagramNeeds,
    "whatsapp": WhatsAppNeeds, "x": XNeeds,
}  # fmt: skip


def _with_scheme(text: str) -> str:
    typed = text.strip()
    return typed if "://" in typed else f"https://{typed}"


# --- what we call it here


class ChannelForm(forms.ModelForm[Channel]):
    class Meta:
        model = Channel
        fields = ["name", "brand", "team", "owner"]
        help_texts = {"brand": gettext_lazy("Channels of one brand stand together on its public page.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.in_use()  # type: ignore[attr-defined]
        working = User.objects.filter(is_active=True, role__in=CARE_ROLES).order_by("first_name", "username")
        self.fields["owner"].queryset = working  # type: ignore[attr-defined]

    def given(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "brand", "team", "owner")}


# --- apps


class AppForm(forms.Form):
    """An app on a network. For one there is already, secrets that are left empty stay as they are."""

    told: ClassVar[Sequence[str]] = ("client_id",)
    secret: ClassVar[Sequence[str]] = ()
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("As we call it here."))

    def __init__(self, data: Any = None, *, app: App | None = None) -> None:
        super().__init__(data, initial={"name": app.name} if app else None)
        if app:
            del self.fields["client_id"]
            for name in self.secret:
                self.fields[name].required = False
                self.fields[name].help_text = _("Leave it empty to keep the one there is.")

    def settings(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.told}

    def secrets(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.secret if self.cleaned_data[name]}


class MetaAppForm(AppForm):
    secret = ("app_secret", "verify_token")
    client_id = word(gettext_lazy("App ID"))
    app_secret = hidden(gettext_lazy("App secret"))
    verify_token = hidden(
        gettext_lazy("Verify token"), gettext_lazy("A word of your own. You enter it at Meta, beside the address.")
    )


class XAppForm(AppForm):
    secret = ("client_secret", "consumer_secret")
    client_id = word(gettext_lazy("Client ID"))
    client_secret = hidden(gettext_lazy("Client secret"))
    consumer_secret = hidden(
        gettext_lazy("API key secret"), gettext_lazy("Where X signs its calls with it."), required=False
    )


APP_FORMS: dict[str, type[AppForm]] = {App.Network.META: MetaAppForm, App.Network.X: XAppForm}
