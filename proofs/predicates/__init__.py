"""Predicates other than provenance, read into a few claims each: what the signer says, for people and rules. Nothing is judged here."""
