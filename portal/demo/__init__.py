"""The demo: a software factory of our own, with real keys, so that everything it signs verifies like the real thing."""
