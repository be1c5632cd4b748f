"""Requests and their revisions: opened, frozen, kept up with the evidence, and where they stand."""
