"""The pages of letting somebody answer for you."""
