from django.urls import path

from channels_app.views import channels, last_words, timeline

app_name = "channels_app"
urlpatterns = [
    path("channels/", channels.channels, name="channels"),
    path("channels/log/", channels.log_contact, name="log_contact"),
    path("channels/of-customer/<int:pk>/", timeline.timeline, name="timeline"),
    path("channels/last-words/<int:pk>/", last_words.last_words, name="last_words"),
]
