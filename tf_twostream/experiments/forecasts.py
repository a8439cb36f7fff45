"""What the steps from videos to a report take, in words."""

import dataclasses
from collections.abc import Mapping

from tf_twostream.processes import printing

PARTS = ("flow", "spatial stream", "temporal stream", "testing", "fusion, export, report")


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What the steps from videos to a report take.

    Attributes:
        seconds: By the part of the work, of `PARTS`.
        num_bytes: By what lies on the disk.
    """

    seconds: Mapping[str, float]
    num_bytes: Mapping[str, float]

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
    lines = [f"On this machine ({machine}), reckoned from a few steps just measured:"]
    lines += [f"  {part:24}{printing.duration(forecast.seconds[part]):>10}" for part in PARTS]
    sizes = [f"{printing.size(number)} of {what}" for what, number in forecast.num_bytes.items()]
    words = " and ".join(sizes)
    lines.append(f"  {'in all':24}{printing.duration(sum(forecast.seconds.values())):>10}, {words}")
    lines += [f"  preset {name}: {other.in_short()}" for name, other in others.items()]
    return "\n".join(lines)
