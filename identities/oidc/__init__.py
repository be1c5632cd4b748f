"""Conversations with OpenID providers: what they publish, a code for a token, and sign-ins bound to one exact value."""
