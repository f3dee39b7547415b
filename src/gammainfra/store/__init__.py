"""Records kept on disk: API keys, requests, sessions, roll-ups. It decides how they are written and read
back; it never sees a prompt and never decides who may do what.
"""
