"""Where sources send their messages."""

from django.urls import path

from api.hooks.views import infisical_hook

app_name = "hooks"
urlpatterns = [path("infisical/<str:hook_id>", infisical_hook, name="infisical")]
