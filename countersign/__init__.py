"""The command line: checks packs offline, without Django, network or the portal. Imports only `proofs`."""
