"""Accounts elsewhere: whose they are, who says so, and where it is seen."""
