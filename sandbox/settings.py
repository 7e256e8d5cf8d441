"""How the sandbox behaves apart from scripted faults; may be changed while it runs."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from sandbox.organization import Duplicates


@dataclass
class Settings:
    latency: float = 0.0  # seconds between a request's arrival and its being carried out
    duplicates: Duplicates = Duplicates.REJECT_409
    rate_per_minute: int | None = None
    rate_window: float = 60.0
    page_size: int | None = None  # fewer items a page than the caller asked for
    totals: bool = True  # whether lists tell their `total`
    # A request that was under way when its neighbour got a 429 breaks no promise.
    retry_after_grace: float = 0.1
    # The IP access list of the enterprise, such as 10.0.0.0/8; empty: requests may come from anywhere.
    ip_ranges: list[str] = field(default_factory=list)

    def lets_in(self, peer: str) -> bool:
        """Raises ValueError for a range that is none."""
        return not self.ip_ranges or any(ip_address(peer) in ip_network(each) for each in self.ip_ranges)
