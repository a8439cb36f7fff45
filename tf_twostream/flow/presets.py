"""The numbers of Brox's method (`brox`) and two sets of them.

This module imports no TensorFlow: workers, which do without it, know each method's numbers.
"""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The numbers of the method, by the names of the paper (Brox et al. 2004) where it has them.

    Weights hold for images in [0, 1]; lengths are in pixels.

    Attributes:
        alpha: Weight of the smoothness term against the data term (eq. 6).
        gamma: Weight of gradient constancy against grey value constancy (eq. 4).
        epsilon: What makes psi(s^2) = sqrt(s^2 + epsilon^2) differentiable at 0. The paper has
            0.001 "for numerical reasons": psi' is at most 1 / (2 epsilon), which bounds the
            coefficients of the linear equations.
        sigma: Standard deviation of the Gaussian that smooths the frames first, in pixels.
        eta: Ratio of a pyramid level's size to that of the next finer one (Sect. 3.2), in
            [0.5, 1): `pyramid.shrink` reaches no further.
        outer_iterations: Most pyramid levels; there are fewer where a side gets down to 15 pixels.
        warps: Outer fixed point iterations per level; each warps the second image once.
        inner_iterations: Inner fixed point iterations per warp; each computes psi' once.
        solver_iterations: SOR sweeps per inner iteration.
        omega: Over-relaxation of SOR. Above 1.97 rounding errors grow to visible ones.
        geometry: How pyramid levels lie on each other, a name in `pyramid.GEOMETRIES`.
        mean_derivatives: Takes spatial derivatives as the mean of those of I_0 and of the warped
            I_1, instead of the warped I_1 alone.

    Raises:
        ValueError: If a number lies outside its range.
    """

    alpha: float = 0.1
    gamma: float = 50.0
    epsilon: float = 3e-3
    sigma: float = 0.6
    eta: float = 0.65
    outer_iterations: int = 77
    warps: int = 1
    inner_iterations: int = 3
    solver_iterations: int = 10
    omega: float = 1.96
    geometry: Literal["centred", "opencv"] = "centred"
    mean_derivatives: bool = True

    def __post_init__(self):
        iterations = (
            self.outer_iterations, self.warps, self.inner_iterations, self.solver_iterations
        )  # fmt: skip
        rules = {
            "alpha must be above 0": self.alpha > 0,
            "gamma must not be negative": self.gamma >= 0,
            "epsilon must be above 0": self.epsilon > 0,
            "sigma must not be negative": self.sigma >= 0,
            "eta must be in [0.5, 1)": 0.5 <= self.eta < 1,
            "omega must be in (0, 2)": 0 < self.omega < 2,  # Elsewhere SOR diverges.
            "iterations must be at least 1": min(iterations) >= 1,
            "geometry must be centred or opencv": self.geometry in ("centred", "opencv"),
        }
        for rule, holds in rules.items():
            if not holds:
                raise ValueError(f"Brox's {rule}. Received: {self}.")


# Ours: of some 37 settings the one with the smallest error on three Middlebury pairs, 0.198 pixels
# on average (OPENCV: 0.266), in a third of OPENCV's time (docs/flow.md). Omega is as large as lets
# a field be reproduced: noise of 1e-6 in the frames moves it by 0.002 pixels. With 1.99 it would be
# 0.018 pixels at nearly the same error.
FAST = Parameters()
# The defaults of OpenCV's CUDA code, which the paper's flow was computed with (Sect. 5), and the
# omega, epsilon and pyramid that are fixed in that code. 77 levels are never reached.
OPENCV = Parameters(
    alpha=0.197,
    epsilon=1e-3,
    sigma=0.0,
    eta=0.8,
    inner_iterations=10,
    omega=1.99,
    geometry="opencv",
    mean_derivatives=False,
)
