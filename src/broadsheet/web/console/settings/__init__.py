"""Settings: what is in force and where it comes from, whether it works, and who changed what."""
