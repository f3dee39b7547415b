"""The models, the endpoints that serve them, their quality and prices. It decides what a name resolves
to and what usage costs; it never picks an endpoint and never learns from traffic.
"""
