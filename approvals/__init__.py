"""People decide, on exact content: policies, requests, the statement a person signs, and the portal's record of it."""
