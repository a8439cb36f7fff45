"""What all videos of a store share: `store.json`."""

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

from tf_twostream import flow, paper
from tf_twostream.flow import codec
from tf_twostream.processes import files, typed
from tf_twostream.store import coding, layout
from tf_twostream.store.index import NoStoreError

NO_FLOW = "none"  # The method of a store that holds frames alone.


class OtherSettingsError(ValueError):
    """A store holds videos of other settings than are asked for."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides the bytes of each video of a store.

    Attributes:
        method: Name of the flow method, or "none".
        parameters: The method's own settings, with the version of its library; JSON-able.
        directions: ("forward",) or ("forward", "backward"); none of them without flow.
        shorter_side: Of frames and fields, in pixels.
        rgb_quality: Of the JPEG images of frames; None if it is not known.
        flow_quality: Of the JPEG images of fields; None if it is not known, or there is no JPEG.
        fps: Frames per second that were chosen of each video; None for all that it has.
        frame_step: Of how many frames of a video one was chosen; None for all of them.
        flow_coding: What becomes of the codes of fields, a name in `codec.CODINGS`.
    """

    method: str
    parameters: dict[str, Any]
    directions: tuple[layout.Kind, ...]
    shorter_side: int
    rgb_quality: int | None = None
    flow_quality: int | None = None
    fps: float | None = None
    frame_step: int | None = None
    flow_coding: codec.CodingName = "jpeg"

    @classmethod
    def of(
        cls,
        method: str,
        *,
        directions: Sequence[str] = ("forward",),
        shorter_side: int = paper.SHORTER_SIDE,
        fps: float | None = None,
        frame_step: int | None = None,
        flow_coding: codec.CodingName = "jpeg",
    ) -> "Settings":
        """Returns the settings of videos that are computed now, with what a method is now.

        Args:
            method: A name in `flow.METHODS`, or "none" for frames without flow.
            directions: ("forward",) or ("forward", "backward"); of no meaning without flow.
            shorter_side: Of frames and fields, in pixels.
            fps: See `Settings`.
            frame_step: See `Settings`.
            flow_coding: See `Settings`; of no meaning without flow.

        Raises:
            ValueError: If there is no such method.
        """
        has_flow = method != NO_FLOW
        return cls(
            method=method,
            parameters=flow.parameters(method) if has_flow else {},
            directions=cast(tuple[layout.Kind, ...], tuple(directions)) if has_flow else (),
            shorter_side=shorter_side,
            rgb_quality=coding.RGB_QUALITY,
            flow_quality=codec.CODINGS[flow_coding].quality if has_flow else None,
            fps=fps,
            frame_step=frame_step,
            flow_coding=flow_coding if has_flow else "jpeg",
        )

    @classmethod
    def from_json(cls, content: dict[str, Any], path: str) -> "Settings":
        """Reads what `to_json` returned; what a later version added is passed over.

        Args:
            content: The dictionary.
            path: The file that it is from, for the error.

        Raises:
            ValueError: If it does not say how the flow was computed.
        """
        fields = dataclasses.fields(cls)
        needed = [field.name for field in fields if field.default is dataclasses.MISSING]
        if absent := [name for name in needed if name not in content]:
            words = ", ".join(needed)
            raise ValueError(f"{path} must say {words}. Received: it without {', '.join(absent)}.")
        known = {field.name: content[field.name] for field in fields if field.name in content}
        # JSON has no tuples; settings are compared, so all must hold the same type.
        try:
            settings = cls(**{**known, "directions": tuple(known["directions"])})
            typed.check(settings)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from None
        return settings

    def to_json(self) -> dict[str, Any]:
        """Returns the settings as a JSON-able dictionary."""
        # What an older store does not say is left out of a new one like it: both have equal bytes.
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        known = {name: value for name, value in vars(self).items() if value != defaults[name]}
        return {**known, "directions": list(self.directions)}

    @property
    def kinds(self) -> tuple[layout.Kind, ...]:
        """The record files that each video has."""
        return ("rgb", *self.directions)

    def describe(self) -> str:
        """Says in a line how the flow was computed; its parameters are in `store.json`."""
        side = f"shorter side {self.shorter_side}"
        if self.fps:
            side += f", {self.fps:g} frames/s"
        if self.frame_step:
            side += f", one of {self.frame_step} frames"
        if self.method == NO_FLOW:
            return f"frames without flow, {side}"
        library = [f"OpenCV {self.parameters['opencv']}"] if "opencv" in self.parameters else []
        coding = [] if self.flow_coding == "jpeg" else [f"{self.flow_coding} codes"]
        return ", ".join((self.method, *library, side, *self.directions, *coding))

    def check_equals(self, found: "Settings", path: str) -> None:
        """Checks that a store holds videos of these settings, no more and no less.

        Args:
            found: What the store holds.
            path: Where it lies.

        Raises:
            OtherSettingsError: If it holds videos of others.
        """
        _refuse_differences(found.to_json(), self.to_json(), path)

    def check_continues(self, found: "Settings", path: str) -> None:
        """Checks that a store holds videos of these settings, or of the same with less flow.

        Frames without flow can be given flow, and forward flow backward flow: what is there stays
        as it is.

        Args:
            found: What the store holds.
            path: Where it lies.

        Raises:
            OtherSettingsError: If it holds videos of others.
        """
        there, asked = dict(vars(found)), dict(vars(self))
        if found.method == NO_FLOW:
            flow_only = ("method", "parameters", "directions", "flow_quality", "flow_coding")
            there, asked = (
                {name: value for name, value in kept.items() if name not in flow_only}
                for kept in (there, asked)
            )
        elif set(found.directions) < set(self.directions):
            there["directions"] = asked["directions"]
        if found.method != self.method:  # Then all parameters differ, which says nothing more.
            there, asked = ({**kept, "parameters": {}} for kept in (there, asked))
        _refuse_differences(there, asked, path)


def _refuse_differences(there: dict[str, Any], asked: dict[str, Any], path: str) -> None:
    differences = "; ".join(
        f"{key}: {there.get(key)} there, {asked.get(key)} asked"
        for key in sorted(there | asked)
        if there.get(key) != asked.get(key)
    )
    if differences:
        rule = "A store must hold videos of one flow method, its parameters, one size and rate"
        raise OtherSettingsError(f"{rule}. Received: {path} with {differences}.")


def write(store: str, settings: Settings) -> None:
    """Writes `store.json`, with the version of the schema."""
    content = {"schema_version": layout.SCHEMA_VERSION, **settings.to_json()}
    files.write_json(files.join(store, layout.SETTINGS), content, sort_keys=True)


def read(store: str) -> Settings:
    """Reads `store.json`.

    Args:
        store: Folder of the store.

    Raises:
        NoStoreError: If there is none.
        OtherSchemaError: If the store was written with another schema.
        DamagedStoreError: If it is damaged.
    """
    path = files.join(store, layout.SETTINGS)
    if not files.exists(path):
        raise NoStoreError(f"A store must hold {layout.SETTINGS}. Received: {store}, without it.")
    try:
        content = files.read_json(path)
        if not isinstance(content, dict):
            raise ValueError(f"{path} must hold a JSON object. Received: {content!r:.80}.")
        # Before the rest: another schema may have other names for it.
        if (version := content.get("schema_version")) not in layout.READABLE_VERSIONS:
            rule = f"The schema of a store must be {layout.SCHEMA_VERSION} or earlier"
            raise layout.OtherSchemaError(f"{rule}. Received: {path} with schema {version}.")
        return Settings.from_json(content, path)
    except layout.OtherSchemaError:
        raise
    except ValueError as error:
        raise layout.DamagedStoreError(str(error)) from error
