"""The pages that staff work in: plan, see, approve, send and learn."""
