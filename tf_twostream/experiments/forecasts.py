"""What the steps from videos to a report take, in words."""

import dataclasses
from collections.abc import Collection, Mapping

from tf_twostream.processes import printing

# What a line is about, and the names with which its steps begin.
PARTS = {
    "flow": ("store",),
    "spatial stream": ("runs/spatial",),
    "temporal stream": ("runs/temporal",),
    "testing": ("scores/",),
    "fusion, export, report": ("fused", "exported", "report"),
}


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What the steps from videos to a report take.

    Attributes:
        seconds: By the name of the step.
        num_bytes: By what lies on the disk.
    """

    seconds: Mapping[str, float]
    num_bytes: Mapping[str, float]

    def without(self, done: Collection[str]) -> "Forecast":
        """Returns what is left when some steps are done."""
        left = {step: number for step, number in self.seconds.items() if step not in done}
        return dataclasses.replace(self, seconds=left)

    def in_short(self) -> str:
        """Says time and disk in a few words."""
        seconds, num_bytes = sum(self.seconds.values()), sum(self.num_bytes.values())
        return f"{printing.duration(seconds)}, {printing.size(num_bytes)}"


def describe(forecast: Forecast, machine: str, others: Mapping[str, Forecast]) -> str:
    """Words a forecast as a few lines.

    Args:
        forecast: That of the preset that was chosen.
        machine: What was measured on.
        others: Those of smaller presets, by name.
    """
    lines = [f"On this machine ({machine}), reckoned from a few steps of each kind:"]
    for part, begins in PARTS.items():
        own = [number for step, number in forecast.seconds.items() if step.startswith(begins)]
        lines.append(f"  {part:24}{printing.duration(sum(own)) if own else 'done':>10}")
    sizes = [f"{printing.size(number)} of {what}" for what, number in forecast.num_bytes.items()]
    words = " and ".join(sizes)
    lines.append(f"  {'in all':24}{printing.duration(sum(forecast.seconds.values())):>10}, {words}")
    lines += [f"  preset {name}: {other.in_short()}" for name, other in others.items()]
    return "\n".join(lines)
