"""token-cleaner: bootstrap tokens go when they have expired.

Models pkg/controller/bootstrap/tokencleaner.go.
"""

from __future__ import annotations

from math import isinf

from cluster.apiserver.authn.bootstraptokens import NAMESPACE, TYPE, ended, plain
from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.machinery.meta import is_deleting, namespace_of


class TokenCleaner(Controller):
    name = "token-cleaner-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.secrets = env.informers.lister(kinds.SECRETS)
        env.informers[kinds.SECRETS].add_handler(self._on_secret)

    def _on_secret(self, event: InformerEvent) -> None:
        if event.obj.get("type") == TYPE and namespace_of(event.obj) == NAMESPACE:
            self.enqueue(event.key, event.revision)

    def reconcile(self, key: str) -> None:
        secret = self.secrets.get(key)
        if secret is None or is_deleting(secret):
            return
        end = ended(plain(secret))
        if isinf(end):
            return
        if self.clock.now() >= end:
            self.client.delete(secret)
        else:
            self.queue.add_at(key, end)
