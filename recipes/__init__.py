"""How things that Pomona ships are made; not part of the package."""
