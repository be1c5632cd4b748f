"""Search over everything that the reader may read."""
