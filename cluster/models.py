"""The store's tables. They belong to cluster.etcd: everybody else goes through cluster.client.

One row in Cluster counts revisions. Revision is the log and holds the bodies; Current points each
living key at its newest body.
"""

from __future__ import annotations

from django.db import models


class Cluster(models.Model):
    """`epoch` is raised by a restore; `compacted` is the revision of the last compaction; `alarms`
    are the bits of cluster.etcd.alarms."""

    name = models.CharField(max_length=63, unique=True)
    epoch = models.BigIntegerField(default=1)
    revision = models.BigIntegerField(default=1)
    compacted = models.BigIntegerField(default=0)
    alarms = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Revision(models.Model):
    """One change of one key. `value` is NULL for a deletion."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, db_index=False, related_name="+")
    revision = models.BigIntegerField()
    sub = models.IntegerField()
    key = models.BinaryField()
    value = models.BinaryField(null=True)
    create_revision = models.BigIntegerField()
    version = models.BigIntegerField()
    lease = models.BigIntegerField(default=0)
    previous_revision = models.BigIntegerField(default=0)
    component = models.CharField(max_length=253, default="", blank=True)
    reconcile = models.CharField(max_length=512, default="", blank=True)
    cause = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "revision", "sub"], name="revision_order")
        ]
        indexes = [models.Index(fields=["cluster", "key", "revision"], name="revision_by_key")]

    def __str__(self) -> str:
        return f"{self.revision} {bytes(self.key).decode(errors='replace')}"


class Current(models.Model):
    """A living key. Its body is the Revision (mod_revision, sub)."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, db_index=False, related_name="+")
    key = models.BinaryField()
    create_revision = models.BigIntegerField()
    mod_revision = models.BigIntegerField()
    sub = models.IntegerField()
    version = models.BigIntegerField()
    lease = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "current"
        constraints = [models.UniqueConstraint(fields=["cluster", "key"], name="current_key")]
        indexes = [
            models.Index(
                fields=["cluster", "lease"], name="current_lease", condition=~models.Q(lease=0)
            )
        ]

    def __str__(self) -> str:
        return bytes(self.key).decode(errors="replace")


class Lease(models.Model):
    """An etcd lease; moments are cluster time."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, db_index=False, related_name="+")
    lease = models.BigIntegerField()
    ttl = models.BigIntegerField()
    granted_at = models.FloatField()
    expires_at = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "lease"], name="lease_id")]


class Fence(models.Model):
    """The token of the component's newest run."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, db_index=False, related_name="+")
    component = models.CharField(max_length=253)
    token = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "component"], name="fence_component")
        ]
