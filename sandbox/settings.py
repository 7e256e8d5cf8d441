"""How the sandbox behaves apart from scripted faults; may be changed while it runs."""

from dataclasses import dataclass

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
