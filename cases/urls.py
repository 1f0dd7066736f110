from django.urls import path

from cases.views import accounts, case, exports, identify, queue, settings

app_name = "cases"
urlpatterns = [
    path("queue/", queue.queue, name="queue"),
    path("queue/export/", exports.queue_export, name="queue_export"),
    path("queue/bulk/", queue.bulk, name="bulk"),
    path("cases/<int:pk>/", case.page, name="case"),
    path("cases/<int:pk>/pane/", case.pane_view, name="pane"),
    path("cases/<int:pk>/conversation/", case.conversation_view, name="conversation"),
    path("cases/<int:pk>/take/", case.take, name="take"),
    path("cases/<int:pk>/release/", case.release, name="release"),
    path("cases/<int:pk>/assign/", case.assign, name="assign"),
    path("cases/<int:pk>/reply/", case.reply, name="reply"),
    path("cases/<int:pk>/note/", case.note, name="note"),
    path("cases/<int:pk>/resolve/", case.resolve, name="resolve"),
    path("cases/<int:pk>/reopen/", case.reopen, name="reopen"),
    path("cases/<int:pk>/retry/<int:delivery>/", case.retry, name="retry"),
    path("cases/<int:pk>/asked/", identify.asked, name="asked"),
    path("cases/<int:pk>/ask-who/", identify.ask_who, name="ask_who"),
    path("cases/<int:pk>/asked/<int:asked>/withdraw/", identify.ask_withdraw, name="ask_withdraw"),
    path("cases/of-message/<int:pk>/", case.of_message, name="of_message"),
    path("cases/of-customer/<int:pk>/", case.for_customer, name="for_customer"),
    path("cases/of-account/<int:pk>/", accounts.for_account, name="for_account"),
    path("settings/rules/", settings.rules, name="rules"),
    path("settings/rules/new/", settings.rule, name="rule_new"),
    path("settings/rules/<int:pk>/", settings.rule, name="rule"),
    path("settings/rules/<int:pk>/switch/", settings.rule_switch, name="rule_switch"),
    path("settings/causes/", settings.causes, name="causes"),
    path("settings/causes/<int:pk>/", settings.cause, name="cause"),
]
