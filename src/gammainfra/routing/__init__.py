"""Which endpoints may answer a request, in which order, and what to do when one of them fails. It
decides by pure rules over values it is given; it never waits, never draws lots and never calls anybody.
"""
