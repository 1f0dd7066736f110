from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from crm import privacy, resealing
        from crm.webhooks import ours

        ours.register_all()
        privacy.register_all()
        resealing.sealed_in("crm.Webhook", "secret")
