"""The passport of an artifact: its sentence, what it holds, and what holds of it now."""
