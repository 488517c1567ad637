from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from executions.views import saude

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("executions.urls")),
    path("", include("executions.api.urls")),
    path("entrar/", LoginView.as_view(template_name="entrar.html"), name="entrar"),
    path("sair/", LogoutView.as_view(), name="sair"),
    path("healthz/live", saude.viva, name="viva"),
    path("healthz/ready", saude.pronta, name="pronta"),
    path("healthz/sistema", saude.ver_sistema, name="sistema"),
    path("metrics", saude.ver_metricas, name="metricas"),
    # One login and one way out: the pages' own.
    path("admin/login/", RedirectView.as_view(pattern_name="entrar", query_string=True)),
    path("admin/logout/", LogoutView.as_view()),
    path("admin/", admin.site.urls),
]
