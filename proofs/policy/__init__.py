"""Policies: the document, its rules about evidence, and their pure evaluation."""
