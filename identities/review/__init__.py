"""Programs are looked at again, every so many days: what they are for, what they may do, and whether that is still needed."""
