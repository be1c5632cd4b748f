"""What went wrong in other verifiers, as tests of ours: each class names the advisories of its row and what would go wrong.

Every refusal stands beside its twin, the same evidence without the one lie, which is verified: no test passes for another reason.

Rows and where they are:

- log entries (bound to what they are about, proven, their time promised): `test_log_entries.py`
- signing time inside every window, each moved alone: `test_windows.py`
- timestamps: `test_timestamps.py`
- thresholds count authorities, keys and people, never copies: `test_thresholds.py`
- identities and patterns, globs, X.509 algorithms and names: `test_identities.py`
- endless data and recursion: `test_endless.py`
- bytes shown are bytes verified, no network, keys and proofs the evidence brings along: `test_bytes.py`
- a predicate not asked for, no evidence, an exception: never a yes: `test_policies.py`
- DSSE and statements: `test_statements.py`
- trust roots rotated, keys found out: `test_rotation.py`
- exit codes: `tests/countersign/test_exit_codes.py`; a gate that breaks: `tests/gates/test_present_facts.py`

Left out: the row about JOSE. No token is read here yet; its tests come with the door that reads one.
"""
