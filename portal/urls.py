"""Every URL of the portal: each room brings its own, pages and API both, with their full paths."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from identities.permissions import requires
from identities.urls import urlpatterns as identity_patterns
from ledger import views as ledger_views
from portal import views
from portal.notices import views as notice_views
from portal.palette import views as palette_views
from portal.setup import views as setup_views
from portal.webhooks import views as webhook_views
from reports.register import views as register_views

# The admin's own sign-in form knows no second factor; ours does.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Countersign tables"

# The highest first: what it says of a thing is the more particular, and a lower room's pattern would take its path.
ROOMS = ("reports", "gates", "approvals", "attestations")

portal_patterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("set-up", setup_views.set_up, name="set_up"),
    path("set-up/<slug:step>", setup_views.step, name="set_up_step"),
    path("set-up/<slug:step>/answer", setup_views.answer, name="set_up_answer"),
    path("palette", palette_views.palette, name="palette"),
    path("notices", notice_views.notices, name="notices"),
    path("notices/read", notice_views.read_all, name="notices_read"),
    path("notices/remove", notice_views.remove, name="notices_remove"),
    path("notices/<int:notice_id>/read", notice_views.read, name="notice_read"),
    path("settings/webhooks", webhook_views.webhooks, name="webhooks"),
    path("settings/webhooks/add", webhook_views.add, name="webhook_add"),
    path("settings/webhooks/<str:webhook_id>", webhook_views.webhook, name="webhook"),
    path("settings/webhooks/<str:webhook_id>/<slug:what>", webhook_views.change, name="webhook_change"),
    path("settings/webhooks/<str:webhook_id>/messages/<str:message_id>/again", webhook_views.again, name="webhook_again"),
    path("api/schema", SpectacularAPIView.as_view(), name="api_schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="portal:api_schema"), name="api_docs"),
]
# The ledger stands below the identities and cannot know who may come in; the shell says it here.
ledger_patterns = [
    path("log", requires("ledger.read")(ledger_views.log), name="log"),
    path("log/checkpoint", ledger_views.checkpoint, name="checkpoint"),
]
# The list of identities reads what they did in the rooms above theirs; it keeps its name among their pages all the same.
register_patterns = [path("identities", register_views.register, name="list"), *identity_patterns]
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((portal_patterns, "portal"))),
    path("", include((ledger_patterns, "ledger"))),
    *(path("", include(f"{room}.urls")) for room in ROOMS),
    path("", include((register_patterns, "identities"))),
    # The sign-in library's page of addresses: nothing here is sent to a second address, and nothing leads to it.
    path("accounts/email/", views.nothing_here, name="account_no_addresses"),
    path("accounts/", include("identities.sso.urls")),
    # Not the library's own list: its pages that link accounts and sign people up by provider are not opened.
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("django-admin/", admin.site.urls),
]

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.permission_denied"
handler404 = "portal.errors.page_not_found"
handler500 = "portal.errors.server_error"
