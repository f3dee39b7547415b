"""The words of the gateway and their meanings: plain values and rules about single values.

Nothing here does input or output, reads a clock or knows a vendor; it imports the standard library only.
"""
