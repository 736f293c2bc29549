"""Who may do what on the screen: the one place that decides.

Three roles, by Django superuser or group name; everything else asks `may`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from cluster.client import Client
from dashboard import door

Ability = Literal["view", "operate", "administer"]
Role = Literal["viewer", "operator", "admin"]
Account = AbstractBaseUser | AnonymousUser

ABILITIES: dict[Role, frozenset[str]] = {
    "viewer": frozenset({"view"}),
    "operator": frozenset({"view", "operate"}),
    "admin": frozenset({"view", "operate", "administer"}),
}
# What the API server sees of each role.
GROUPS: dict[Role, tuple[str, ...]] = {
    "viewer": ("orrery:viewers", "system:authenticated"),
    "operator": ("orrery:operators", "system:authenticated"),
    "admin": ("system:masters", "system:authenticated"),
}


def role_of(user: Account) -> Role:
    if getattr(user, "is_superuser", False):
        return "admin"
    groups = getattr(user, "groups", None)
    names = set(groups.values_list("name", flat=True)) if groups is not None else set()
    for role in ("admin", "operator"):
        if role in names:
            return role
    return "viewer"


def may(user: Account, ability: Ability) -> bool:
    return bool(user.is_authenticated and user.is_active) and ability in ABILITIES[role_of(user)]


def identity(user: Account) -> tuple[str, tuple[str, ...]]:
    """The user name and groups with which this person acts on the cluster."""
    return user.get_username(), GROUPS[role_of(user)]


def client_for(user: Account, doing: str = "") -> Client:
    """A client that acts as this person; `doing` is recorded with every revision written."""
    name, groups = identity(user)
    client = door.client(name, groups)
    client.acting(f"dashboard:{name}", doing)
    return client


View = Callable[..., HttpResponseBase]


def requires(ability: Ability) -> Callable[[View], View]:
    """A view for people with this ability; strangers are sent to the login."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_login(request)
            if not may(request.user, ability):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _to_login(request: HttpRequest) -> HttpResponseBase:
    if request.headers.get("HX-Request"):
        # htmx would put a login page into a panel; let the whole page go there instead.
        return HttpResponse(status=401, headers={"HX-Redirect": "/login/"})
    return redirect_to_login(request.get_full_path())
