"""How reviews are read: each person's own times, and what the answers of a whole team look like. Nothing here decides anything."""
