"""People and groups as an identity provider sends them: SCIM 2.0, RFC 7643 and RFC 7644."""
