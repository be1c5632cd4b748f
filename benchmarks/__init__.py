"""Measurements of the verifier, each against something it cannot beat or somebody else's. Nothing of the portal imports this."""
