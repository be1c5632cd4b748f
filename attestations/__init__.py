"""What is claimed about an artifact, kept exactly as received, and whether it holds."""
