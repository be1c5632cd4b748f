"""What changed since the release that was approved last: the baseline, what only the portal knows, and the comparison a revision freezes."""
