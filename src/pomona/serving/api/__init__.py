"""What the API answers, in its own shape and in that of Pl@ntNet."""
