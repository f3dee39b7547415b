"""What an answer may cost, what it did cost, and who pays. It decides fees and ceilings in integers;
it never moves money, which is the work of the ledger.
"""
