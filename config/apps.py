from django.apps import AppConfig


class HarkConfig(AppConfig):
    """Holds the commands that concern every app: work, cron, fill, demo."""

    name = "config"
