"""Programs that prove themselves with a token of their platform instead of a stored secret: issuers, bindings, the exchange."""
