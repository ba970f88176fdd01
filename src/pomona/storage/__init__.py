"""Results: names of parts, records, and how they come into place."""
