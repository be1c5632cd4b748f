"""Pages that read across the rooms below; writes nothing of its own."""
