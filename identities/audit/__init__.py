"""What people and programs changed or took here, by page and by API: kept, shown to auditors of the team, and exported."""
