"""Messages to other systems about a team's requests, by the conventions of Standard Webhooks. None of them can decide anything."""
