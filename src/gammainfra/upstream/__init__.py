"""The way out to providers: one exchange at a time over pooled connections.

It decides how a request travels (connections, timeouts of the wire, no redirects), never whom to ask or what an
answer means. It knows no account and no store; the key arrives with the request.
"""
