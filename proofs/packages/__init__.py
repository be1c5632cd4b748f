"""Evidence about packages as a set or in a wrapper: npm, Google Cloud Build. Each part is evidence of its own; the whole is judged here."""
