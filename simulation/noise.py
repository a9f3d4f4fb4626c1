"""Chance without a generator: the same seed, series and index give the same number on every machine (protocol 0).

A value is a function of its place, not of what was drawn before it, so a resumed simulation continues exactly.
"""

from hashlib import blake2b

ONE = 1_000_000
"""Parts per million of one."""


class Noise:
    """One seeded series of standardised, bell-shaped, integer noise."""

    def __init__(self, *, seed: str, series: str) -> None:
        self._key = blake2b(f"{seed}\x00{series}".encode(), digest_size=32).digest()

    def at(self, index: int) -> int:
        """Noise of mean 0 and standard deviation 1,000,000 at a place; never beyond ±3,000,000 or so.

        The sum of three uniform numbers (Irwin–Hall, variance 1/4 before scaling by two).
        """
        raw = blake2b(index.to_bytes(8, "big", signed=True), key=self._key, digest_size=6).digest()
        total = sum(int.from_bytes(raw[i : i + 2], "big") for i in (0, 2, 4))
        return (2 * total - 3 * 65_535) * ONE // 65_535

    def between(self, t_ms: int, *, knot_ms: int) -> int:
        """Noise that runs in straight lines between the knots of a grid of `knot_ms`."""
        knot, passed = divmod(t_ms, knot_ms)
        here = self.at(knot)
        return here + (self.at(knot + 1) - here) * passed // knot_ms
