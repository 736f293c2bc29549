"""The published schemas of Kubernetes, and ours: strict decoding, patch metadata, OpenAPI.

Read from the package kubernetes-validate, whose definitions are upstream's. Loaded on first use:
only the process that serves HTTP pays for it. Not here: what a value means (`kinds` validates).
"""

from cluster.apiserver.schema.definitions import VERSION, definition_for, definitions, resolve
from cluster.apiserver.schema.strict import WORDS, Findings, check, check_metadata

__all__ = [
    "VERSION",
    "WORDS",
    "Findings",
    "check",
    "check_metadata",
    "definition_for",
    "definitions",
    "resolve",
]
