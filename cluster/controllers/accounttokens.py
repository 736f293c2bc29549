"""serviceaccount-token: Secrets of type kubernetes.io/service-account-token are filled in, and go
with their account. Models pkg/controller/serviceaccount/tokens_controller.go.
"""

from __future__ import annotations

import base64

from cluster.apiserver.authn import TokenKey
from cluster.apiserver.authn.serviceaccounts import legacy_token
from cluster.client import Controller, Env, InformerEvent, kinds
from cluster.machinery.meta import Object, annotations_of, is_deleting, name_of, namespace_of

TYPE = "kubernetes.io/service-account-token"
NAME = "kubernetes.io/service-account.name"
UID = "kubernetes.io/service-account.uid"


class TokensController(Controller):
    name = "serviceaccount-token-controller"

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.key: TokenKey | None = None  # `build` sets these
        self.certificate = ""
        self.accounts = env.informers.lister(kinds.SERVICE_ACCOUNTS)
        self.secrets = env.informers.lister(kinds.SECRETS)
        self._of_account: dict[str, dict[str, None]] = {}  # its Secrets' keys
        env.informers[kinds.SECRETS].add_handler(self._on_secret)
        env.informers[kinds.SERVICE_ACCOUNTS].add_handler(self._on_account)

    def _on_secret(self, event: InformerEvent) -> None:
        if event.obj.get("type") != TYPE:
            return
        account = f"{namespace_of(event.obj)}/{annotations_of(event.obj).get(NAME, '')}"
        if event.new is None:
            self._of_account.get(account, {}).pop(event.key, None)
            return
        self._of_account.setdefault(account, {})[event.key] = None
        self.enqueue(event.key, event.revision)

    def _on_account(self, event: InformerEvent) -> None:
        if event.type != "MODIFIED":
            for key in self._of_account.get(event.key, ()):
                self.enqueue(key, event.revision)

    def reconcile(self, key: str) -> None:
        secret = self.secrets.get(key)
        if secret is None or is_deleting(secret) or self.key is None:
            return
        notes = annotations_of(secret)
        account = self.accounts.get(f"{namespace_of(secret)}/{notes.get(NAME, '')}")
        if (
            account is None
            or notes.get(UID, account["metadata"]["uid"]) != account["metadata"]["uid"]
        ):
            self.client.delete(secret)
            return
        data = {**(secret.get("data") or {})}
        wanted = {"ca.crt": self.certificate, "namespace": namespace_of(secret)}
        data |= {k: base64.b64encode(v.encode()).decode() for k, v in wanted.items() if v}
        if not data.get("token"):
            token = legacy_token(self.key, account, name_of(secret))
            data["token"] = base64.b64encode(token.encode()).decode()
        notes = {**notes, UID: account["metadata"]["uid"]}
        if data != secret.get("data") or notes != annotations_of(secret):
            self._fill(secret, data, notes)

    def _fill(self, secret: Object, data: dict[str, str], notes: dict[str, str]) -> None:
        meta = {**secret["metadata"], "annotations": notes}
        self.client.update({**secret, "metadata": meta, "data": data}, base=secret)
