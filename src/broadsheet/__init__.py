"""Broadsheet: newsletters from tagged articles. Start reading at :mod:`broadsheet.pipeline`."""
