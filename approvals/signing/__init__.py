"""One person answers one revision: may they, what exactly they are offered to sign, and what is kept of it."""
