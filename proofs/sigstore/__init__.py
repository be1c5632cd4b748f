"""Sigstore bundles, verified offline against a stored trust root. Start reading at `bundle.py`."""
