"""One source of randomness: names, UIDs, jitter. Seeded headless, from the system when live."""

from __future__ import annotations

import random

# Models k8s.io/apimachinery/pkg/util/rand: no vowels, no look-alikes.
SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
MAX_GENERATED_NAME = 58
# RFC 9562: the version is 4, the variant 0b10; all other bits are free.
_UUID_FREE = ~(0xF << 76 | 0b11 << 62)
_UUID_FIXED = 0x4 << 76 | 0b10 << 62


class Entropy:
    """Deterministic for a given seed; `None` seeds from the operating system."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def uid(self) -> str:
        """A version 4 UUID; spelled out, since uuid.UUID costs four times as much."""
        bits = self._random.getrandbits(128) & _UUID_FREE | _UUID_FIXED
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def suffix(self, length: int = 5) -> str:
        return "".join(self._random.choices(SAFE_ALPHABET, k=length))

    def generated_name(self, base: str) -> str:
        """Models names.SimpleNameGenerator: base cut to 58 characters, then five random ones."""
        return base[:MAX_GENERATED_NAME] + self.suffix()

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def below(self, n: int) -> int:
        return self._random.randrange(n)

    def hex(self, length: int) -> str:
        return f"{self._random.getrandbits(length * 4):0{length}x}"
