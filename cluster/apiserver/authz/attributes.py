"""One question: may this user do that? Models authorizer.Attributes."""

from __future__ import annotations

from typing import NamedTuple


class Attributes(NamedTuple):
    """`path` is set for what is no resource. The user is asked about separately."""

    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    selector: str = ""  # the field selector of a request for many

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource
