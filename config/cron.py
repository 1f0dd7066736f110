"""What runs by the clock. Each is a nudge to look at the database, so that one too many does no harm."""

from django.conf import settings

# dotted path of the job → seconds between two runs
EVERY = {
    "channels_app.jobs.poll_all": min(settings.POLL_EVERY.values()),  # whoever is due: each network has its own pace
    "channels_app.jobs.listen_all": 5,
    "channels_app.jobs.look_all": 60,
    "channels_app.jobs.mark_read": 10,
    "channels_app.jobs.watch_channels": settings.SWEEP_SECONDS,
    "channels_app.jobs.release": 1,  # a reply leaves when the time to take it back is over, not a minute later
    "channels_app.jobs.sweep": settings.SWEEP_SECONDS,
    "channels_app.jobs.find_unnamed": settings.SWEEP_SECONDS,
    "channels_app.jobs.sweep_learning": settings.SWEEP_SECONDS,
    "crm.jobs.sweep": settings.SWEEP_SECONDS,
    "crm.webhooks.jobs.sweep": 10,  # a first retry is due after five seconds
    "crm.api.jobs.sweep": 3600,
    "crm.jobs.retention": 3600,
    "crm.jobs.sweep_files": 3600,
    "cases.jobs.forget_words": 3600,
    "crm.jobs.match_new": 5,
    "crm.jobs.recount": 3600,
    "crm.jobs.digest": 300,  # each full hour, and eight in the morning of every zone
    "crm.jobs.bring_along": 900,
    "cases.jobs.keep_stories": settings.SWEEP_SECONDS,
    "channels_app.jobs.remind_of_certificates": 3600,
    "cases.jobs.learn_causes": 3600,
    "cases.jobs.wake": 10,
    "cases.jobs.offer_cases": 5,
    "cases.jobs.keep_absences": 60,
    "cases.jobs.keep_floods": 2,
    "cases.jobs.sweep_floods": settings.SWEEP_SECONDS,
    "cases.jobs.watch_waiting": 30,
    "cases.jobs.watch_promises": 5,
    "cases.jobs.sweep_promises": settings.SWEEP_SECONDS,
    "surveys.jobs.invite": settings.INVITE_SECONDS,
    "surveys.jobs.sweep_invitations": settings.SWEEP_SECONDS,
    "surveys.jobs.find_cases": 3600,
    "surveys.jobs.sweep_waves": settings.SWEEP_SECONDS,
    "surveys.jobs.catch_up_waves": 3600,
    "surveys.jobs.suggest_themes": settings.SWEEP_SECONDS,
    "surveys.jobs.flag_who_left": 3600,
    "surveys.jobs.write_instead": settings.SWEEP_SECONDS,
    "surveys.jobs.tell_improvements": settings.SWEEP_SECONDS,
    "surveys.jobs.keep_calls": 60,
    "surveys.jobs.sweep_follow_ups": 300,
    "surveys.jobs.watch_requests": 300,
    "surveys.jobs.settle_loops": 600,
    "surveys.jobs.find_advocates": 3600,
    "surveys.jobs.write_to_advocates": settings.SWEEP_SECONDS,
}
