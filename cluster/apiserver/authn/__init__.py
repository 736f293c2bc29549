"""Who is asking: client certificates, bearer tokens, service accounts, impersonation.

What they may do is `authz`'s business. Models k8s.io/apiserver authentication and
pkg/serviceaccount.
"""

from cluster.apiserver.authn.authenticator import Authenticator, of_subprotocols
from cluster.apiserver.authn.impersonation import impersonated
from cluster.apiserver.authn.jwt import TokenKey
from cluster.apiserver.authn.serviceaccounts import ServiceAccountTokens

__all__ = ["Authenticator", "ServiceAccountTokens", "TokenKey", "impersonated", "of_subprotocols"]
