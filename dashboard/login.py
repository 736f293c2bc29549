"""One-time login links: made on the command line, good once and for ten minutes."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from dashboard.models import LoginToken

OWNER = "admin"
VALID_FOR = timedelta(minutes=10)
BACKEND = "django.contrib.auth.backends.ModelBackend"


def make_login_url(base: str, username: str = OWNER) -> str:
    """`<base>/login/<token>/`, which logs its first visitor in as `username` (made if missing)."""
    user, created = get_user_model().objects.get_or_create(
        username=username, defaults={"is_staff": True, "is_superuser": True}
    )
    if created:
        user.set_unusable_password()
        user.save()
    LoginToken.objects.filter(expires__lt=timezone.now()).delete()
    token = secrets.token_urlsafe(24)
    LoginToken.objects.create(digest=_digest(token), user=user, expires=timezone.now() + VALID_FOR)
    return f"{base.rstrip('/')}/login/{token}/"


@require_GET
@never_cache
def consume(request: HttpRequest, token: str) -> HttpResponseBase:
    """Log in with a link; who is logged in already just goes to the page."""
    now = timezone.now()
    waiting = LoginToken.objects.filter(digest=_digest(token), used=None, expires__gt=now)
    # The update decides between two who click at once.
    if waiting.update(used=now) == 1:
        found = LoginToken.objects.select_related("user").get(digest=_digest(token))
        login(request, found.user, backend=BACKEND)
        return redirect("/")
    if request.user.is_authenticated:
        return redirect("/")
    return _refuse(request)


def _refuse(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/login_expired.html", status=410)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
