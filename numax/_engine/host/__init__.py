"""Running operations and programs on NumPy."""
