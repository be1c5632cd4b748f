"""Whose turn it is, who can unblock a request, and when people are reminded. Nothing here gives anybody power, or takes it."""
