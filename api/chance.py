"""Chance that reaches evidence: fresh, or, in a demo, the seed's under a name, so that a restart changes nothing."""

from alliance.ports import Randomness
from api.platform import Platform
from oracle.adapters import SeededRandomness


def chance(platform: Platform, name: str) -> Randomness:
    """Fresh random bytes; with a seed (never in production) those of the seed and the name alone."""
    seed = platform.settings.randomness_seed
    if seed is None:
        return platform.randomness
    return SeededRandomness(bytes.fromhex(seed.get_secret_value()), name)
