"""Compose: one campaign's file as a page of sections, kept as a draft until it is published."""
