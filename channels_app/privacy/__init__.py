"""What the channels hold on a person: what was said, and what came over the wire."""

from django.utils.translation import gettext_lazy as _

from crm.privacy import holders


def register_all() -> None:
    """Called when the app starts."""
    from channels_app.privacy import ages, beside, messages, payloads, stillness

    messages.register_messages()
    beside.register_beside()
    payloads.register_payloads()  # last, so that they are looked for while each post still has its own id
    stillness.register_stillness()
    ages.register_ages()
    holders.spare(
        {
            "channels_app.channel": _("An account of ours, and how far we have read it."),
            "channels_app.app": _("What a network calls us by; nobody’s in particular."),
            "channels_app.credential": _("What opens an account of ours, sealed."),
            "channels_app.fileload": _("Which file was read and how far: its name, as we gave it, and no row of it."),
            "channels_app.channelpromise": _("What we promise to everybody."),
            "channels_app.policy": _("Who of us speaks on a channel and how; nobody’s in particular."),
            "channels_app.module": _("What we must know before we answer; nobody’s in particular."),
            "channels_app.modulequestion": _("What we are asked of it; nobody’s in particular."),
            "channels_app.search": _(
                "Words of ours that we listen for, with nobody’s name; what they find is a message."
            ),
            "channels_app.receipt": _(
                "What became of a message of ours, by its id and in the network’s set words; a month at most."
            ),
            "channels_app.lexiconword": _("Words that leads taught Hark to read by; nobody’s in particular."),
            "channels_app.fittedmodel": _(
                "Weights fitted on very many messages at once, and counts: no text, and no message of anybody’s."
            ),
            "channels_app.training": _("That a model was fitted, when and what came of it."),
            "channels_app.rereading": _("How far old messages are read anew: counts and numbers."),
            "channels_app.livestream": _("Names a team, a case or one of us by number."),
        }
    )
