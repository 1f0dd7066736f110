"""What runs by the clock. Each is a nudge to look at the database, so that one too many does no harm."""

from django.conf import settings

# dotted path of the job → seconds between two runs
EVERY = {
    "channels_app.jobs.poll_all": settings.POLL_SECONDS,
    "channels_app.jobs.sweep": settings.SWEEP_SECONDS,
    "crm.jobs.sweep": settings.SWEEP_SECONDS,
    "crm.webhooks.jobs.sweep": 10,  # a first retry is due after five seconds
    "crm.api.jobs.sweep": 3600,
    "crm.jobs.retention": 3600,
    "crm.jobs.match_new": 5,
    "crm.jobs.recount": 3600,
    "crm.jobs.bring_along": 900,
}
