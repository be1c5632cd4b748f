"""The benchmarks still run and say what they measured. How fast anything is, no test asks."""
