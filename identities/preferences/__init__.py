"""How a person wants the portal to look and write to them, when they are away, and which sessions of theirs are open."""
