"""Critical points whose Hessians are known in closed form: of the surfaces, of planted points, of the network's plateau."""

import numpy as np
import pytest

from stages.lessons.critical_points import DIMENSIONS, N_ROWS, SURFACES, lower_share, planted_verdict, plateau

EIGENVALUES = {"minimum": (2, 2), "saddle": (-2, 2), "maximum": (-2, -2), "monkey saddle": (0, 0), "flat minimum": (0, 0)}


def test_hessians_of_the_surfaces() -> None:
    """By second differences."""
    h = 1e-3
    for title, surface in SURFACES.items():
        along_x, along_y = ((surface(h * a, h * b) + surface(-h * a, -h * b) - 2 * surface(0, 0)) / h**2 for a, b in ((1, 0), (0, 1)))
        across = (surface(h, h) - surface(h, -h) - surface(-h, h) + surface(-h, -h)) / (4 * h**2)
        found = np.linalg.eigvalsh([[along_x, across], [across, along_y]])
        assert found == pytest.approx(EIGENVALUES[title.split(",")[0]], abs=1e-5), title


@pytest.mark.parametrize(("title", "share"), [("minimum, x² + y²", 0), ("maximum, −x² − y²", 1), ("flat minimum, x⁴ + y⁴", 0),
                                              ("saddle, x² − y²", 0.5), ("monkey saddle, x³ − 3xy²", 0.5)])  # fmt: skip
def test_share_of_directions_that_lead_down(title: str, share: float) -> None:
    """x² − y² = r²·cos 2φ and x³ − 3xy² = r³·cos 3φ are below 0 in half of all directions."""
    found = np.mean([lower_share(SURFACES[title], np.random.default_rng(seed)) for seed in range(50)])
    assert found == share if share in (0, 1) else found == pytest.approx(share, abs=0.02)


def test_a_level_direction_does_not_lead_down() -> None:
    assert lower_share(lambda x, y: 0 * x * y, np.random.default_rng(0)) == 0


@pytest.mark.parametrize("seed", range(20))
def test_planted_points(seed: int) -> None:
    """The Hessian at the planted point has the planted curvatures as eigenvalues: of both signs exactly where a saddle is planted."""
    assert planted_verdict(np.random.default_rng(seed), is_saddle=True) == "saddle"
    assert planted_verdict(np.random.default_rng(seed), is_saddle=False) == "minimum"


@pytest.mark.parametrize("n_negative", [0, 1, DIMENSIONS - 1])
def test_a_hessian_is_indefinite_from_its_first_negative_eigenvalue_on(n_negative: int) -> None:
    import torch

    from stages.curvature.hessian_products import TorchSurface
    from stages.curvature.lanczos import spectrum_ends
    from stages.curvature.point_verdict import critical_point

    curvatures = np.linspace(0.5, 1.5, DIMENSIONS)
    curvatures[:n_negative] *= -1
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((DIMENSIONS, DIMENSIONS)))
    hessian = torch.from_numpy(turn @ np.diag(curvatures) @ turn.T)
    point = torch.zeros(DIMENSIONS, dtype=torch.float64, requires_grad=True)
    surface = TorchSurface(lambda: point @ hessian @ point / 2, [point], n_rows=1, scale=1.0)
    assert critical_point(surface, 0.0, seed=0).verdict == ("saddle" if n_negative else "minimum")
    assert spectrum_ends(surface.product, DIMENSIONS, seed=0, most=DIMENSIONS).least.value == pytest.approx(curvatures.min())


@pytest.mark.parametrize("seed", [0, 7])
def test_the_plateau_in_closed_form(seed: int) -> None:
    """All weights 0: outputs are 0, and W₁ and W₂ meet in the Hessian by −2·mean(y·x) alone; eigenvalues are ± its length, and 2 of b₂."""
    X = np.random.default_rng(seed).standard_normal((N_ROWS, 2))
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    y -= y.mean()
    found = plateau(seed)
    assert found["loss_start"] == pytest.approx((y**2).mean())
    assert found["least_eigenvalue"] == pytest.approx(-2 * np.linalg.norm((y[:, None] * X).mean(axis=0)))
    assert found["gradient_norm"] == pytest.approx(0, abs=1e-12) and np.ptp(found["stays"]) < 1e-12
    assert np.all(np.diff(found["escapes"]) < 0) and found["escapes"][0] < found["loss_start"]
