"""The page itself."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from dashboard.access import may, requires, role_of
from dashboard.actions import clock
from dashboard.forms import FORMS
from dashboard.views.answers import act, said

SPEEDS = (1, 10, 100)


@require_GET
@never_cache
@ensure_csrf_cookie
@requires("view")
def home(request: HttpRequest) -> HttpResponse:
    context = {
        "speeds": SPEEDS,
        "forms": FORMS,
        "role": role_of(request.user),
        "may_operate": may(request.user, "operate"),
        "may_administer": may(request.user, "administer"),
    }
    return render(request, "dashboard/home.html", context)


@require_POST
@requires("operate")
def turn(request: HttpRequest) -> HttpResponse:
    """Clock buttons: `speed` (a number), or `pause` / `resume`."""
    what = request.POST.get("do", "")
    if what == "pause":
        return act(request, "pause", clock.pause)
    if what == "resume":
        return act(request, "resume", clock.resume)
    try:
        speed = float(request.POST.get("speed", ""))
    except ValueError:
        return said("A speed is a number from 0.1 to 1000.", "bad")
    return act(request, "speed", lambda client: clock.set_speed(client, speed))
