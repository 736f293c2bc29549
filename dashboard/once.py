"""A form handed in twice is carried out once: its token is claimed before anything is written."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import cast

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils import timezone

from dashboard.models import SubmittedForm

BUSY = "This form is being worked on already."
KEPT = timedelta(days=1)


def new_token() -> str:
    return secrets.token_urlsafe(18)


def once(token: str, user: AbstractBaseUser | AnonymousUser, act: Callable[[], str]) -> str:
    """Run `act` and return what it says; the second time, return that without running it.

    When `act` raises, nothing happened and the token is free again.
    """
    SubmittedForm.objects.filter(submitted__lt=timezone.now() - KEPT).delete()
    claim, first = SubmittedForm.objects.get_or_create(
        token=token[:40] or new_token(), defaults={"user_id": cast(int, user.pk)}
    )
    if not first:
        return claim.outcome or BUSY
    done = False
    try:
        claim.outcome = act()
        claim.save(update_fields=["outcome"])
        done = True
    finally:
        if not done:
            claim.delete()
    return claim.outcome
