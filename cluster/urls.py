"""The dashboard port's routes. The Kubernetes API is dispatched as raw ASGI, see cluster.asgi."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("dashboard.urls")),
]
