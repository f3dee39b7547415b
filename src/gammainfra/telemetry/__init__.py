"""Metrics and logs, fed by the gateway. It decides how observations are counted and shown; it never
changes an answer and never holds content.
"""
