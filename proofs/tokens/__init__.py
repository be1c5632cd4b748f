"""Signed tokens of issuers that people and programs prove themselves with: taken apart, and held against the issuer's own keys."""
