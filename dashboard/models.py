"""What the screen itself must remember: one-time logins and forms already handed in.

And the two views of the store's tables that the admin lists.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from cluster.models import Current, Revision


class LoginToken(models.Model):
    """A one-time login link; only the token's digest is kept."""

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"login link of {self.user} until {self.expires:%Y-%m-%d %H:%M}"


class SubmittedForm(models.Model):
    """The token of a form that was handed in; `outcome` is what the person was told."""

    token = models.CharField(max_length=40, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    submitted = models.DateTimeField(auto_now_add=True)
    outcome = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.outcome or "being worked on"


class ClusterObject(Current):
    """A living object of the cluster, for the admin's list. Written through the API alone."""

    class Meta:
        proxy = True
        verbose_name = "object"


class LoggedChange(Revision):
    """A revision of the log, for the admin's list. Never written."""

    class Meta:
        proxy = True
        verbose_name = "revision"
