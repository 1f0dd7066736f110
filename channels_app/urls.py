from django.urls import path

from channels_app.views import bell, certification, channels, last_words, modules, policies, promises, timeline

app_name = "channels_app"
urlpatterns = [
    path("channels/", channels.channels, name="channels"),
    path("bell/", bell.ring, name="bell"),
    path("channels/log/", channels.log_contact, name="log_contact"),
    path("channels/<int:pk>/policy/", policies.policy, name="policy"),
    path("channels/<int:pk>/policy/publish/", policies.publish, name="policy_publish"),
    path("policies/<int:pk>/accept/", policies.accept, name="policy_accept"),
    path("channels/<int:pk>/promise/", promises.promise, name="promise"),
    path("promise/<str:brand>/", promises.stated, name="promise_stated"),
    path("certification/", certification.mine, name="certification"),
    path("certification/everybody/", certification.everybody, name="certified"),
    path("certification/export/", certification.export, name="certified_export"),
    path("certification/<int:pk>/", certification.read, name="module_read"),
    path("settings/modules/", modules.modules, name="modules"),
    path("settings/modules/new/", modules.module, name="module_new"),
    path("settings/modules/<int:pk>/", modules.module, name="module"),
    path("settings/modules/<int:pk>/preview/", modules.preview, name="module_preview"),
    path("settings/modules/<int:pk>/switch/", modules.switch, name="module_switch"),
    path("settings/modules/<int:pk>/questions/new/", modules.question, name="question_new"),
    path("settings/modules/<int:pk>/questions/<int:module_question>/", modules.question, name="question"),
    path(
        "settings/modules/<int:pk>/questions/<int:module_question>/remove/",
        modules.question_remove,
        name="question_remove",
    ),
    path("channels/of-customer/<int:pk>/", timeline.timeline, name="timeline"),
    path("channels/last-words/<int:pk>/", last_words.last_words, name="last_words"),
]
