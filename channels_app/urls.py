from django.urls import path

from channels_app.views import channels

app_name = "channels_app"
urlpatterns = [
    path("channels/", channels.channels, name="channels"),
    path("channels/log/", channels.log_contact, name="log_contact"),
    path("channels/of-customer/<int:pk>/", channels.timeline, name="timeline"),
]
