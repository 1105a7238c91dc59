"""One seed in params.yaml; an independent random generator per purpose."""

import zlib

import numpy as np


def derived_seed(seed: int, *purpose: str) -> int:
    """Return the seed for one purpose (such as "split", "emoji"): the same on every machine, independent between purposes.

    Args:
        seed: the user's seed; any whole number.
        purpose: strings that name the purpose; their order matters.
    Returns:
        0 ≤ seed < 2**32, so that numpy, torch and scikit-learn all take it.
    """
    # abs and sign are separate, because SeedSequence accepts no negative numbers; crc32, because Python's hash differs per process.
    entropy = [abs(seed), int(seed < 0), *(zlib.crc32(part.encode()) for part in purpose)]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0])
