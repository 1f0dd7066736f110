"""What the law gives a person: a copy of all we hold, and to be forgotten; and how long we keep what."""

from django.utils.translation import gettext_lazy as _


def register_all() -> None:
    """What this app holds, for how long, and what in it is no customer's. Called when it starts."""
    from crm.privacy import ages, holders, imported, records, traces

    records.register_records()
    traces.register_traces()
    imported.register_imported()
    ages.register_ages()
    holders.spare(
        {
            "crm.account": _("An organisation; what we know of it names people only by chance."),
            "crm.persona": _("A kind of person, nobody in particular."),
            "crm.user": _("One of us."),
            "crm.team": _("Our own teams."),
            "crm.calendar": _("When somebody of us is there."),
            "crm.period": _("When somebody of us is there."),
            "crm.holiday": _("On which days nobody of us is there."),
            "crm.skill": _("What some of us can do."),
            "crm.absence": _("When one of us is away, and why."),
            "crm.savedview": _("What one of us looks for; who made it deletes it."),
            "crm.apitoken": _("Another system’s key."),
            "crm.webhook": _("Another system’s address."),
            "crm.matchrule": _("What an administrator allows."),
            "crm.retentionrule": _("How long we keep what."),
            "crm.retentionrun": _("Counts."),
        }
    )
