"""Wire formats as pure functions: what is read from clients, written to providers, decoded and rendered back.

It decides how a thing is said, never who is asked or what it costs; no clock, no randomness, no network.
"""
