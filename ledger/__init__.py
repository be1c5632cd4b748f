"""The append-only Merkle log: what was written down, in order, for ever. Knows no other room's tables."""
