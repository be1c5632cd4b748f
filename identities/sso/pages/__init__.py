"""Pages on which administrators see and change where people sign in, and what their groups carry."""
