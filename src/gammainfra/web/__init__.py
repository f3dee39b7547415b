"""HTTP in and out: routes, headers, errors, pages. It decides how a reply looks on the socket; it never
routes a request, never does price arithmetic and never names a provider.
"""
