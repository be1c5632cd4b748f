"""Policies and expectations: written down, stored by digest, put into force."""
