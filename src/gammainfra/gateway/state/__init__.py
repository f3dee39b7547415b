"""The mutable maps of a process: health, sessions, leases. Each is bounded by a name in domain.limits, belongs to one
process, and says what a restart loses. They keep what was observed; deciding is routing's and sessions' business.
"""
