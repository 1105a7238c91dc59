"""Where networks train: on this machine's cores, or on a graphics card that torch can use."""

import ctypes
import os
from typing import Literal

from stages.foundation.errors import InputError

Device = Literal["auto", "cpu", "cuda"]


def chosen_device(wanted: Device) -> Literal["cpu", "cuda"]:
    """Return where to train; auto: on a graphics card where there is one.

    Raises:
        InputError: if a card is asked for and there is none.
    """
    if wanted == "cpu":
        return "cpu"
    if _has_driver():
        import torch  # 3 s, spared where it could only say no

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what the next line asks for, read when the card is first used
        torch.use_deterministic_algorithms(True)
        if torch.cuda.is_available():
            return "cuda"
    if wanted == "cuda":
        raise InputError("params.yaml: models.mlp.device: cuda, but torch sees no graphics card here; set it to auto or cpu")
    return "cpu"


def _has_driver() -> bool:
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            ctypes.CDLL(name)
            return True
        except OSError:
            continue
    return False
