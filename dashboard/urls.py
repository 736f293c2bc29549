"""Routes of the screen."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, path

from dashboard import login
from dashboard.views import create, drawer, nodes, page, workloads

OBJECT = "objects/<str:resource>/<str:namespace>/<str:name>/"

urlpatterns: list[URLPattern] = [
    path("", page.home, name="home"),
    path("clock/", page.turn, name="clock"),
    path("create/<slug:kind>/", create.create, name="create"),
    path(OBJECT, drawer.show, name="object"),
    path(f"{OBJECT}edit/", drawer.edit, name="object-edit"),
    path(f"{OBJECT}delete/", drawer.delete, name="object-delete"),
    path("nodes/<str:name>/drain/", nodes.drain_plan, name="drain"),
    path("nodes/<str:name>/drain/now/", nodes.drain_now, name="drain-now"),
    path("nodes/<str:name>/<slug:action>/", nodes.node_action, name="node-action"),
    path("workloads/<str:kind>/<str:namespace>/<str:name>/scale/", workloads.scale, name="scale"),
    path(
        "workloads/<str:kind>/<str:namespace>/<str:name>/restart/",
        workloads.restart,
        name="restart",
    ),
    path(
        "login/",
        LoginView.as_view(
            template_name="dashboard/login.html", redirect_authenticated_user=True, next_page="/"
        ),
        name="login",
    ),
    path("login/<str:token>/", login.consume, name="login-link"),
    path("logout/", LogoutView.as_view(next_page="/login/"), name="logout"),
]
