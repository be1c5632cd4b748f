"""SCIM 2.0 (RFC 7642 to 7644): identity providers tell the portal at once who joins, changes, leaves, and is in which group."""
