"""Keys of the device: born, rotated, begun again, and the word of consent they sign (protocol 6)."""
