"""Exceptions from a rule: asked for, approved by whom the policy names for it, live until a moment, withdrawn before."""
