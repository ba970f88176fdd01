"""Get networks: from Keras, from a file of one's own, from another machine."""
