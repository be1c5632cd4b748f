"""What the portal says once people have decided: signed statements for other tools."""
