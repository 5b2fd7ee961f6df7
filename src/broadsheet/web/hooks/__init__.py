"""Where providers report what became of mail."""
