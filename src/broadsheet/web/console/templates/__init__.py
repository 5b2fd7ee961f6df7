"""Templates: looked at with sample data, checked, and edited."""
