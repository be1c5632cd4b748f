"""What changed since the release that was approved last: two pictures held against each other, area by area, and the signals that follow."""
