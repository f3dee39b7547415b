"""The line every request travels: admission, turns, facts and the bounded state between requests. It
decides when each step happens; it never speaks HTTP to a client and never writes SQL.
"""
