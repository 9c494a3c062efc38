"""Services of the data officer, all of which only read: the audit log, the record balance, the budget statement.

Invariant: nothing here holds a secret or changes anything; an officer's decisions are carried out by the operator.
"""
