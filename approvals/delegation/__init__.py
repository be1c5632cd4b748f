"""A person lets another one answer for them, for a time, and takes that back."""
