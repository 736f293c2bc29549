"""The functions that Kubernetes adds to CEL, one file a library.

Values of types that CEL does not have (quantities, addresses, URLs, versions) are maps with one
marked key, normalised so that equal values compare equal. Models k8s.io/apiserver/pkg/cel/library.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from cluster.apiserver.cel.library import (
    authorizer,
    formats,
    lists,
    network,
    quantity,
    regex,
    semver,
    urls,
)
from cluster.apiserver.cel.library.signature import Signature

PARTS = (lists, regex, quantity, urls, network, formats, semver, authorizer)


@lru_cache(maxsize=1)
def functions() -> list[Any]:
    """One declaration a name, with the overloads of all libraries."""
    found: dict[str, list[Signature]] = {}
    for part in PARTS:
        for signature in part.SIGNATURES:
            found.setdefault(signature.name, []).append(signature)
    return [
        cel.FunctionDecl(name, [s.overload(index) for index, s in enumerate(signatures)])
        for name, signatures in found.items()
    ]
