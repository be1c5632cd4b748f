"""How a policy comes into force: proposed by one policy owner, approved by two, activated by the portal."""
