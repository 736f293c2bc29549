"""What all kinds of ours share: metadata validation around the kind's own rules."""

from __future__ import annotations

from cluster.apiserver.kinds import names
from cluster.apiserver.strategy import Context, Strategy
from cluster.machinery.errors import Cause
from cluster.machinery.meta import Object


class Kind(Strategy):
    """Override `check` (and `check_update`); metadata is looked after here."""

    name_rule: names.NameRule = staticmethod(names.subdomain)

    def validate(self, ctx: Context, obj: Object) -> list[Cause]:
        return names.metadata(obj["metadata"], type(self).name_rule) + self.check(obj)

    def validate_update(self, ctx: Context, new: Object, old: Object) -> list[Cause]:
        causes: list[Cause] = []
        if new["metadata"] != old["metadata"]:
            causes = names.metadata(new["metadata"], type(self).name_rule)
            causes += names.metadata_update(new["metadata"], old["metadata"])
        return causes + self.check_update(new, old)

    def check(self, obj: Object) -> list[Cause]:
        return []

    def check_update(self, new: Object, old: Object) -> list[Cause]:
        return self.check(new)


class WithStatus(Kind):
    has_status = True
    tracks_generation = True
