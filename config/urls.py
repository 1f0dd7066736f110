from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from config import api, api_docs, health
from crm.views import staff

admin.site.site_header = admin.site.site_title = "Hark"
admin.site.index_title = "Administration"

urlpatterns = [
    path("", staff.home, name="home"),
    path("", include("crm.urls")),
    path("", include("channels_app.urls")),
    path("", include("cases.urls")),
    path("", include("surveys.urls")),
    path("api/v1/docs", api_docs.docs, name="api_docs"),
    path("api/v1/openapi.json", api_docs.openapi, name="api_openapi"),
    path("api/v1/", include(api.urls, namespace="api")),
    path("login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path("password/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("password/reset/", auth.PasswordResetView.as_view(), name="password_reset"),
    path("password/reset/sent/", auth.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("password/reset/<uidb64>/<token>/", auth.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("password/reset/complete/", auth.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path("admin/rq/", include("django_rq.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
]
