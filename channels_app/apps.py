from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChannelsAppConfig(AppConfig):
    name = "channels_app"
    verbose_name = _("Channels")

    def ready(self) -> None:
        from channels_app import bell, finding, privacy, timeline

        bell.register()
        finding.register()
        timeline.register()
        privacy.register_all()
