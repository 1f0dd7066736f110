from django.apps import AppConfig
from django.core import checks


class HarkConfig(AppConfig):
    """Holds the commands that concern every app: work, cron, fill, demo."""

    name = "config"

    def ready(self) -> None:
        from config.checks import sealing_key

        checks.register(sealing_key, checks.Tags.security)
