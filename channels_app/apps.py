from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChannelsAppConfig(AppConfig):
    name = "channels_app"
    verbose_name = _("Channels")

    def ready(self) -> None:
        from channels_app import bell, finding, privacy, timeline
        from crm import resealing

        bell.register()
        finding.register()
        timeline.register()
        privacy.register_all()
        resealing.sealed_in("channels_app.App", "sealed")
        resealing.sealed_in("channels_app.Credential", "sealed")
