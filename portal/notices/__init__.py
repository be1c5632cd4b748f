"""Notices: what the ledger says that concerns a person, told to that person under the bell and by mail."""
