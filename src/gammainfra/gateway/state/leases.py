"""A key of ours, taken for one attempt at one endpoint: what the attempt reports back with, and gives back at its end.

The rows it points to are the health board's; a lease keeps them alive when the board forgets the endpoint meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from gammainfra.gateway.state.health_rows import EndpointRow, KeyRow, PairRow


@dataclass(eq=False, slots=True)
class Lease:
    """``at`` is monotonic seconds.

    ``probe``: it is the one request that a half-open breaker lets through, and has said nothing yet.
    """

    endpoint: EndpointRow
    key: KeyRow
    pair: PairRow
    at: float
    probe: bool = False
    over: bool = False

    @property
    def key_id(self) -> str:
        """What names the key in records."""
        return self.key.id
