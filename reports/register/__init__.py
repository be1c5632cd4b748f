"""The list of people and programs, with saved views that read what they did in every room."""
