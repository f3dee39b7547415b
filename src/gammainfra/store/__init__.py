"""Records kept on disk: accounts, ledger, requests, rollups. It decides how they are written and read
back; it never sees a prompt and never decides who may do what.
"""
