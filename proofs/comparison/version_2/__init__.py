"""Comparisons by the rules of version 2, which were signed: nothing here changes, neither what it tells nor in which words, so that they are made
again for ever. Whatever it takes from elsewhere must stay for it as it was; `tests/proofs/comparison/version_2` holds what it said then.
"""
