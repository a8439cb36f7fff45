"""The numbers of Brox's method (`brox`) and two sets of them; no TensorFlow, for the workers."""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The method's numbers, by the papers' names.

    Attributes:
        alpha: Weight of smoothness, for images in [0, 1].
        gamma: Weight of gradient constancy.
        epsilon: What makes psi differentiable at 0.
        sigma: Standard deviation of the Gaussian that smooths the frames first, in pixels.
        eta: Ratio of a pyramid level's size to that of the next finer one, in [0.5, 1).
        outer_iterations: Most pyramid levels; there are fewer where a side gets down to 15 pixels.
        warps: Outer fixed point iterations (warps) per level.
        inner_iterations: Fixed point iterations over psi' per warp.
        solver_iterations: SOR sweeps per inner iteration.
        omega: Over-relaxation. Above 1.97 rounding errors grow to visible ones.
        geometry: How levels lie on each other: "centred" anti-aliased, or as in OpenCV.
        mean_derivatives: Takes derivatives as the mean of I_0's and the warped I_1's.
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
        rules = {
            "alpha must be above 0": self.alpha > 0,
            "gamma must not be negative": self.gamma >= 0,
            "epsilon must be above 0": self.epsilon > 0,
            "sigma must not be negative": self.sigma >= 0,
            "eta must be in [0.5, 1)": 0.5 <= self.eta < 1,
            "omega must be in (0, 2)": 0 < self.omega < 2,
            "iterations must be at least 1": min(
                self.outer_iterations, self.warps, self.inner_iterations, self.solver_iterations
            )
            >= 1,
            "geometry is centred or opencv": self.geometry in ("centred", "opencv"),
        }
        for rule, holds in rules.items():
            if not holds:
                raise ValueError(f"Brox's {rule}. Received: {self}.")


FAST = Parameters()  # Ours, found on Middlebury's pairs.
OPENCV = Parameters(  # Of OpenCV's CUDA code and the tools of the two-stream papers' time.
    alpha=0.197,
    epsilon=1e-3,
    sigma=0.0,
    eta=0.8,
    inner_iterations=10,
    omega=1.99,
    geometry="opencv",
    mean_derivatives=False,
)
