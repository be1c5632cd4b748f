"""What was signed with one approval key."""
