"""Who is calling, with which key and under which policy. It decides whether a credential is good and
what its owner allows; it never sees a prompt and never prices an answer.
"""
