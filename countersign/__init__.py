"""The command line: checks packs offline and talks to a portal. Imports only `proofs`."""
