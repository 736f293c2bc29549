"""Which host ports are taken where. Models framework.HostPortInfo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cluster.scheduler.cache.spec import HostPort

ANY = "0.0.0.0"


class PortMap:
    def __init__(self) -> None:
        # (protocol, port) -> slot -> address -> how many pods
        self._taken: dict[tuple[str, int], dict[int, dict[str, int]]] = {}

    def change(self, slot: int, ports: Iterable[HostPort], sign: int) -> None:
        for address, protocol, port in ports:
            slots = self._taken.setdefault((protocol, port), {})
            addresses = slots.setdefault(slot, {})
            count = addresses.get(address, 0) + sign
            if count:
                addresses[address] = count
                continue
            addresses.pop(address, None)
            if not addresses:
                del slots[slot]

    def conflicts(self, ports: Iterable[HostPort]) -> Iterator[int]:
        """The slots on which one of `ports` is taken."""
        for address, protocol, port in ports:
            for slot, addresses in self._taken.get((protocol, port), {}).items():
                if _clash(address, addresses):
                    yield slot

    def conflicts_at(self, slot: int, ports: Iterable[HostPort]) -> bool:
        for address, protocol, port in ports:
            addresses = self._taken.get((protocol, port), {}).get(slot)
            if addresses and _clash(address, addresses):
                return True
        return False


def _clash(address: str, taken: Iterable[str]) -> bool:
    """The wildcard address stands for every address."""
    return address == ANY or any(other in (ANY, address) for other in taken)
