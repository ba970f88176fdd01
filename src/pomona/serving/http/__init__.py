"""What every request passes: the socket, limits, keys, headers, refusals."""
