from django.urls import URLPattern

app_name = "surveys"
urlpatterns: list[URLPattern] = [
    # --- surveys, their versions and questions
    # --- waves
    # --- the pages of those who are asked
    # --- results and figures
    # --- comments and action plans
    # --- earlier waves and other tools
]
