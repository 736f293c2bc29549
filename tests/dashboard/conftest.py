"""A toy cluster behind the dashboard's door, and people who look at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client as Browser

from dashboard import door
from tests.dashboard.toy import Toy


@pytest.fixture
def toy() -> Iterator[Toy]:
    made = Toy()
    door.configure(made.client)
    yield made
    door.configure(None)


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_superuser("admin", password="secret")


@pytest.fixture
def browser(owner: User, toy: Toy) -> Browser:
    """Logged in as the owner."""
    out = Browser()
    out.force_login(owner)
    return out


@pytest.fixture
def viewer(db: None, toy: Toy) -> Browser:
    """Logged in as somebody who may only look."""
    out = Browser()
    out.force_login(User.objects.create_user("guest", password="secret"))
    return out


@pytest.fixture
def operator(db: None, toy: Toy) -> Browser:
    user = User.objects.create_user("ops", password="secret")
    user.groups.add(Group.objects.create(name="operator"))
    out = Browser()
    out.force_login(user)
    return out
