"""OpenID Connect towards the identity providers that people sign in with: what they publish, and a sign-in bound to one exact value."""
