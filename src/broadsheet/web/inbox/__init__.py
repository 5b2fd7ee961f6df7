"""The local inbox, read in a browser. Served by `broadsheet inbox` only, never beside the public pages."""
