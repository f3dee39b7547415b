"""One file of facts for each provider: dialect, address, authentication, quirks, failures, usage. It
decides how a provider differs from its dialect; it never performs an exchange.
"""
