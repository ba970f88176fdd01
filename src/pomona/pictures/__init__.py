"""Pictures: which there are, and from their bytes to pixels."""
