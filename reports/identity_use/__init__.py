"""What an identity may do, held against what records show that it did."""
