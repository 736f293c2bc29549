"""One source of randomness: names, UIDs, jitter. Seeded headless, from the system when live."""

from __future__ import annotations

import random
import uuid

# Models k8s.io/apimachinery/pkg/util/rand: no vowels, no look-alikes.
SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
MAX_GENERATED_NAME = 58


class Entropy:
    """Deterministic for a given seed; `None` seeds from the operating system."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def uid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

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
