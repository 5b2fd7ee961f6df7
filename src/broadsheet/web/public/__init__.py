"""The pages that subscribers meet."""
