"""Signers seen in verified evidence that nobody registered: where they were seen, and the doors to adopt or block them."""
