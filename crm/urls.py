from django.urls import path

from crm.views import customers, staff

app_name = "crm"
urlpatterns = [
    path("customers/", customers.customers, name="customers"),
    path("customers/<int:pk>/", customers.customer, name="customer"),
    path("customers/<int:pk>/panel/", customers.customer_panel, name="customer_panel"),
    path("customers/<int:pk>/edit/", customers.customer_edit, name="customer_edit"),
    path("find/", customers.find, name="find"),
    path("profile/", staff.profile, name="profile"),
    path("settings/teams/", staff.teams, name="teams"),
    path("settings/teams/new/", staff.team, name="team_new"),
    path("settings/teams/<int:pk>/", staff.team, name="team"),
]
