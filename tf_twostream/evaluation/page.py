"""The page that labels clips, made with gradio, which is imported nowhere else.

One clip is answered at a time while others wait. A sentence stands where a clip cannot be answered.
"""

import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import gradio
import numpy as np

from tf_twostream.evaluation import answers, prediction, visits
from tf_twostream.precompute import limits

SECONDS_KEPT = 3600  # Files of a visitor whose end nobody noticed.
MOST_STREAMS = 3  # Joined towers, and each of them.
MOST_WAITING = 50  # Clips.
TOP = 5  # Classes.


class Page:
    """What is seen, and what happens."""

    def __init__(self, answerer: answers.Answerer, folder: str, examples: Sequence[str]):
        """Prepares the page.

        Args:
            answerer: Labels clips.
            folder: Where what is drawn lies until its visitor leaves, below that of the uploads.
            examples: Clips to offer.
        """
        self._answerer, self._examples = answerer, tuple(examples)
        self._visits = visits.Visits(folder)

    def build(self) -> gradio.Blocks:
        """Lays the page out, and connects it."""
        kept = (SECONDS_KEPT // 6, SECONDS_KEPT)
        with gradio.Blocks(
            title="tf_twostream", delete_cache=kept, analytics_enabled=False
        ) as blocks:
            visit = gradio.State()
            with gradio.Row():
                with gradio.Column():
                    clip, explain, examples = self._inputs()
                with gradio.Column():
                    outputs = _outputs(self._answerer.gives_decisions)
            pictures = _pictures()
            shown = [clip, *outputs, *pictures]
            # Taken over at once, and not only when it is a clip's turn.
            taken = clip.change(self._take, clip, visit, queue=False, api_visibility="private")
            taken.success(self._answer, [visit, explain], shown, api_visibility="private")
            chosen = [examples, explain]
            examples.click(self._answer_example, chosen, shown, api_visibility="private")
            blocks.unload(self._leave)
        return blocks.queue(default_concurrency_limit=1, max_size=MOST_WAITING)

    def _inputs(self) -> tuple[Any, Any, Any]:
        # With its sound: ffmpeg, a program that may be missing, would take it out.
        clip = gradio.Video(
            label="Drop a clip, or record one",
            sources=["upload", "webcam"],
            include_audio=True,
            webcam_options=gradio.WebcamOptions(mirror=False),
            elem_id="clip",
        )
        clip.async_move_resource_to_block_cache = _uploads_alone(
            clip.async_move_resource_to_block_cache
        )
        explain = gradio.Checkbox(
            label="Show where the networks look (takes longer)",
            visible=self._answerer.can_explain,
            elem_id="explain",
        )
        examples = gradio.Dataset(
            components=["textbox"],
            samples=[[os.path.basename(path)] for path in self._examples],
            type="index",
            label="Examples",
            visible=bool(self._examples),
            elem_id="examples",
        )
        return clip, explain, examples

    def _take(self, upload: str | None, request: gradio.Request) -> visits.Visit | None:
        # None when the clip is taken off the page, which an answer does, too.
        return self._visits.take(request.session_hash, upload) if upload else None

    def _answer(self, visit: visits.Visit | None, explain: bool) -> Any:
        return self._show(visit, visit.clip, explain) if visit else gradio.skip()

    def _answer_example(self, number: int, explain: bool, request: gradio.Request) -> Any:
        visit = self._visits.take(request.session_hash)
        return self._show(visit, self._examples[number], explain)

    def _show(self, visit: visits.Visit, clip: str, explain: bool) -> Any:
        """Returns the new values of the page: an empty place for the next clip, and the outputs."""
        hidden = gradio.update(visible=False)
        with self._visits.at_work(visit) as somebody_waits:
            if not somebody_waits:
                return gradio.skip()
            try:
                found = self._answerer.answer(clip, visit.folder, explain=explain)
            except limits.ClipError as error:
                sentence = gradio.update(value=str(error), visible=True)
                return [None, sentence, None, *[hidden] * (MOST_STREAMS + 3)]
        item = found.prediction
        tables = [
            gradio.update(value=_shares(item, own), label=name, visible=True)
            for name, own in item.streams.items()
            if len(item.streams) > 1
        ]
        tables += [hidden] * (MOST_STREAMS - len(tables))
        pictures = [
            gradio.update(value=path or None, visible=bool(path))
            for path in (found.timeline, item.explained)
        ]
        video = gradio.update(value=item.drawn, visible=True)
        return [None, hidden, _fused(item), video, *tables, *pictures]

    def _leave(self, request: gradio.Request) -> None:
        self._visits.leave(request.session_hash)


def _uploads_alone(keep: Callable[[str], Awaitable[str]]) -> Callable[[str], Awaitable[str]]:
    """Returns what keeps uploads; instead of one, gradio would fetch an address that is sent."""

    async def keep_upload(path: str) -> str:
        if "://" in path:
            raise gradio.Error("A clip must be uploaded.", print_exception=False)
        return await keep(path)

    return keep_upload


def _outputs(gives_decisions: bool) -> list[Any]:
    """Lays out what is shown of a clip: a sentence, fused scores, the video, each stream."""
    sentence = gradio.Textbox(label="No answer", visible=False, elem_id="sentence")
    if gives_decisions:  # Which are no shares of 1.
        fused = gradio.Textbox(label="Label", lines=TOP, elem_id="label")
    else:
        fused = gradio.Label(label="Label", num_top_classes=TOP, elem_id="label")
    video = gradio.Video(
        show_label=False,  # It would lie over the label in the video.
        autoplay=True,
        loop=True,
        visible=False,
        buttons=["download"],
        elem_id="labelled",
    )
    with gradio.Row():
        tables = [gradio.Label(num_top_classes=TOP, visible=False) for _ in range(MOST_STREAMS)]
    return [sentence, fused, video, *tables]


def _pictures() -> list[Any]:
    named = {"timeline": "Over time", "maps": "Where the networks look"}
    shown = {"visible": False, "buttons": ["download", "fullscreen"]}  # Else also one to publish.
    return [gradio.Image(label=named[name], elem_id=name, **shown) for name in named]


def _fused(item: prediction.Prediction) -> Any:
    if item.are_decisions:
        return "\n".join(f"{item.describe(score)}  {name}" for name, score in item.best(TOP))
    return _shares(item, item.scores)


def _shares(item: prediction.Prediction, scores: np.ndarray) -> dict[str, float]:
    """Returns what a `gradio.Label` shows, with bars."""
    return dict(zip(item.class_names, scores.tolist()))


@contextlib.contextmanager
def serve(
    answerer: answers.Answerer, examples: Sequence[str], *, host: str, port: int, megabytes: float
) -> Iterator[str]:
    """Serves the page from threads, for as long as the context lasts.

    Args:
        answerer: Labels clips.
        examples: Clips to offer.
        host: The address to listen at.
        port: The port.
        megabytes: Largest upload.

    Yields:
        The address of the page.
    """
    os.makedirs(folder := os.path.join(gradio.utils.get_upload_folder(), "visits"))
    blocks = Page(answerer, folder, examples).build()
    _, address, _ = blocks.launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        footer_links=[],
        max_file_size=int(megabytes * 1e6),
        enable_monitoring=False,
    )
    try:
        yield address
    finally:
        blocks.close(verbose=False)
