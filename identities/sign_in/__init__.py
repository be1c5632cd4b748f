"""Where the sign-in library meets our rules: passwords, passkeys for sign-in, who comes in, and what is written down of it."""
