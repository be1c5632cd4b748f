"""Policies tried on requests of the past before they are in force."""
