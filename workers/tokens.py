"""Bearer tokens from a file, in the format of kube-apiserver's --token-auth-file.

One line a token: `token,user,uid,"group1,group2"`. Read when the API server starts.
"""

from __future__ import annotations

import csv
import os
import secrets
from pathlib import Path

from cluster.apiserver.operations import User


def ensure_tokens(path: Path) -> None:
    """A first token, for the administrator."""
    if path.exists():
        return
    line = f'{secrets.token_urlsafe(32)},kubernetes-admin,admin,"system:masters"\n'
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(line)


def read_tokens(path: Path) -> dict[str, User]:
    """Lines that upstream would refuse (fewer than three columns) are left out."""
    if not path.exists():
        return {}
    found: dict[str, User] = {}
    with path.open(newline="") as file:
        for row in csv.reader(file, skipinitialspace=True):
            if len(row) < 3 or not row[0]:
                continue
            token, name, uid, *rest = row
            groups = tuple(g.strip() for g in ",".join(rest).split(",") if g.strip())
            found[token] = User(name, groups, uid)
    return found
