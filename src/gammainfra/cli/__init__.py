"""The command line. It decides which command was meant and how its outcome is printed; it never holds
logic that another part of the product needs.
"""
