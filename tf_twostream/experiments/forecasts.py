"""What the steps from videos to a report take, in words."""

import dataclasses
from collections.abc import Mapping

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
        return f"{duration(sum(self.seconds.values()))}, {size(sum(self.num_bytes.values()))}"


def describe(forecast: Forecast, machine: str, others: Mapping[str, Forecast]) -> str:
    """Words a forecast as a few lines.

    Args:
        forecast: That of the preset that was chosen.
        machine: What was measured on.
        others: Those of smaller presets, by name.
    """
    lines = [f"On this machine ({machine}), reckoned from a few steps just measured:"]
    lines += [f"  {part:24}{duration(forecast.seconds[part]):>10}" for part in PARTS]
    words = " and ".join(f"{size(number)} of {what}" for what, number in forecast.num_bytes.items())
    lines.append(f"  {'in all':24}{duration(sum(forecast.seconds.values())):>10}, {words}")
    lines += [f"  preset {name}: {other.in_short()}" for name, other in others.items()]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Words a time in seconds as exactly as a forecast is: "20 s", "4 min", "2.5 h", "3 days"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{round(seconds / 86400)} days"


def size(num_bytes: float) -> str:
    """Words a number of bytes: "20 MB", "1.5 GB"."""
    megabytes = max(1, round(num_bytes / 1e6))
    return f"{num_bytes / 1e9:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"
