"""The REST face as a raw ASGI application, which any ASGI server runs.

Requests become Operations or reads of the watch cache; answers become JSON, YAML or Tables.
Not here: defaulting, validation, storage. Models k8s.io/apiserver/pkg/endpoints.
"""

from cluster.apiserver.http.app import build_app
from cluster.apiserver.http.logs import LogRequest, LogSource
from cluster.apiserver.http.server import ApiServer

__all__ = ["ApiServer", "LogRequest", "LogSource", "build_app"]
