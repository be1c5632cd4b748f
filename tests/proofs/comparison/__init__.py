"""What changed between two releases, without a database."""
