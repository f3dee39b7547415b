"""Exchanges with providers over HTTP: connections, deadlines, bytes. It reports what happened as facts;
it never decides to try again and never knows what the bytes mean.
"""
