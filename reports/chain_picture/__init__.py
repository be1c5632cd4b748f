"""The picture of a chain: a graph told from a passport, laid out, and drawn by a template."""
