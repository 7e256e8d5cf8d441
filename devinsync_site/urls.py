"""All routes: the admin is the user interface, `/api` is for scripts, `/hooks` for messages of sources."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index", permanent=False)),
    path("search", RedirectView.as_view(pattern_name="admin:search", permanent=False, query_string=True)),
    path("api/", include("api.urls")),
    path("hooks/", include("api.hooks.urls")),
    path("admin/", admin.site.urls),
]

handler403 = "devinsync_site.refused.permission_denied"
handler500 = "devinsync_site.failing.server_error"
