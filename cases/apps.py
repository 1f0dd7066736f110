from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CasesConfig(AppConfig):
    name = "cases"
    verbose_name = _("Cases")

    def ready(self) -> None:
        from cases import accounts, api, conversation, customers, live, privacy, rehearing, retention, timeline
        from channels_app import looking
        from crm.accounts import told_by

        live.register()
        looking.worth_it(conversation.worked_with)
        api.register_topics()
        customers.register()
        timeline.register()
        rehearing.register()
        privacy.register_all()
        retention.register_ages()
        told_by(accounts)
