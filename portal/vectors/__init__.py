"""Published vectors, run against what this portal verifies with: rows of a manifest in, one outcome a row out."""
