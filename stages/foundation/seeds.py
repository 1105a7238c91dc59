"""One seed in params.yaml, one independent stream of random numbers per purpose."""

import zlib

import numpy as np


def derived_seed(seed: int, *purpose: str) -> int:
    """Return the seed for one purpose (say "split", "emoji"): the same on every machine, unrelated between purposes.

    Args:
        seed: the person's seed; any whole number.
        purpose: words that name what is drawn; their order counts.
    Returns:
        0 ≤ seed < 2**32, so that numpy, torch and scikit-learn all take it.
    """
    # abs and sign apart, as SeedSequence takes no negative numbers; crc32 as Python's own hash differs per process.
    entropy = [abs(seed), int(seed < 0), *(zlib.crc32(word.encode()) for word in purpose)]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0])
