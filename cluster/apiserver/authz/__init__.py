"""What a user may do: RBAC from the log, the node authoriser, and who is above both.

Asked once a request by the HTTP face, and by strategies for what depends on the caller's rights
(granting roles, approving certificates). Components inside the process are trusted and never asked.
Not here: who the user is (`authn`). Models k8s.io/apiserver authorization,
plugin/pkg/auth/authorizer/{rbac,node}.
"""

from cluster.apiserver.authz.attributes import Attributes
from cluster.apiserver.authz.authorizer import MASTERS, Authorizer, Decision
from cluster.apiserver.authz.requestinfo import attributes_of

__all__ = ["MASTERS", "Attributes", "Authorizer", "Decision", "attributes_of"]
