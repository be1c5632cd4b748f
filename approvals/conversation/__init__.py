"""What people and programs say about a request, and everything that happened to it as one list."""
