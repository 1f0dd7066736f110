from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SurveysConfig(AppConfig):
    name = "surveys"
    verbose_name = _("Surveys")

    def ready(self) -> None:
        from channels_app import came_back, naming, outbox
        from crm import first_page, private_links
        from surveys import importing, inviting, lexicon, links, privacy, retention, returns, waves
        from surveys.outreach import listing, loops, news, request_news, shipping

        privacy.register_all()
        retention.register_ages()
        importing.register_responses()
        private_links.hidden_by(links.hide)
        outbox.filled_by(inviting.put_in_link)
        came_back.heard_by(returns.hear)
        naming.named_by(lexicon.version(), lexicon.topics_of)
        waves.register()
        news.register()
        request_news.register()
        first_page.named_by(listing.first_page)
        loops.register()
        shipping.register()
