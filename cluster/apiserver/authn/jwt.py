"""JSON Web Tokens signed and checked, RS256 or ES256, and the keys as others look them up.

Only what service account tokens need. Models pkg/serviceaccount/jwt.go and openidmetadata.go.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Claims = dict[str, Any]


class NotOurs(Exception):
    """No token, or signed by somebody else."""


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(slots=True)
class TokenKey:
    """The key that service account tokens are signed with."""

    key: PrivateKey
    id: str = field(init=False)
    algorithm: str = field(init=False)

    def __post_init__(self) -> None:
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.id = encode(sha256(public).digest())
        self.algorithm = "RS256" if isinstance(self.key, rsa.RSAPrivateKey) else "ES256"

    def sign(self, claims: Claims) -> str:
        header = {"alg": self.algorithm, "kid": self.id}
        signed = f"{encode(orjson.dumps(header))}.{encode(orjson.dumps(claims))}"
        return f"{signed}.{encode(self._signature(signed.encode()))}"

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def verify(self, token: str) -> Claims:
        """The claims of a token with our signature, whatever they say. Raises NotOurs."""
        try:
            signed, _, signature = token.rpartition(".")
            head, _, body = signed.partition(".")
            header, claims = orjson.loads(decode(head)), orjson.loads(decode(body))
            if header.get("alg") != self.algorithm or not isinstance(claims, dict):
                raise NotOurs
            self._check(signed.encode(), decode(signature))
        except (ValueError, binascii.Error, AttributeError, InvalidSignature) as error:
            raise NotOurs from error
        return claims

    def _check(self, data: bytes, signature: bytes) -> None:
        if isinstance(self.key, rsa.RSAPrivateKey):
            self.key.public_key().verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            return
        if len(signature) != 64:
            raise NotOurs
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        encoded = encode_dss_signature(r, s)
        self.key.public_key().verify(encoded, data, ec.ECDSA(hashes.SHA256()))

    def jwk(self) -> dict[str, str]:
        """The public key as /openid/v1/jwks publishes it."""
        common = {"use": "sig", "kid": self.id, "alg": self.algorithm}
        if isinstance(self.key, rsa.RSAPrivateKey):
            numbers = self.key.public_key().public_numbers()
            return {**common, "kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        point = self.key.public_key().public_numbers()
        x, y = encode(point.x.to_bytes(32, "big")), encode(point.y.to_bytes(32, "big"))
        return {**common, "kty": "EC", "crv": "P-256", "x": x, "y": y}


def _number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))
