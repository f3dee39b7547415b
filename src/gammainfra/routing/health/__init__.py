"""What follows from how an endpoint or a key did: breaker, cooldowns, concurrency, patience, the choice of a key.

Rules only, without a clock: gateway.state keeps what was observed and asks here what it means.
"""
