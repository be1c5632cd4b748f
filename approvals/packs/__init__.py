"""What leaves the portal so that others can check an approval without it."""
