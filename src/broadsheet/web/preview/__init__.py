"""Drafts as readers would get them, on the writer's own machine. Served by `broadsheet preview` only."""
