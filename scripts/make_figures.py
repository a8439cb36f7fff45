r"""Draws the paper's Figures 2 to 6 from one's own videos, networks and scores.

    python scripts/make_figures.py --store=stores/ucf101 --run_dir=runs/temporal1 \
        --scores=results/split1/average.npz --output_dir=figures

--store: fig2.png, flow and its components; fig3.png, where both ways of stacking read it.
--run_dir: fig4.png, the filters of the first layer. --scores: fig5.png, the confusion matrix, and
fig6.png, the recall of each class, both with their numbers as CSV. Each may be left out.
"""

import dataclasses
import pathlib

import cv2
import numpy as np

from tf_twostream import cli, paper, runs, store
from tf_twostream.figures import clips, pictures, reports
from tf_twostream.scores import metrics, score_files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to draw."""

    store: str = cli.knob("", "Store with the video of Fig. 2 and 3.")
    video: str = cli.knob("", "Its id in the store (its path); by default one that moves.")
    first_frame: int | None = cli.knob(
        None, "Its frame tau, counted from 0; by default so that the fields are in its middle."
    )
    stack_length: int = cli.knob(paper.STACK_LENGTH, "L, the fields that Fig. 3 follows.")
    run_dir: str = cli.knob("", "Run folder of the network of Fig. 4.")
    scores: str = cli.knob("", "Scores file (npz) of the test videos for Fig. 5 and 6.")
    output_dir: str = cli.knob(cli.REQUIRED, "Folder of the figures.")

    def __post_init__(self) -> None:
        """Checks that there is something to draw."""
        if not (self.store or self.run_dir or self.scores):
            raise ValueError(
                "A figure needs something to show: --store, --run_dir or --scores. Received: none."
            )


cli.define(Options)


def draw_video(options: Options, folder: pathlib.Path) -> None:
    """Draws Fig. 2 and 3."""
    reader = store.Reader(options.store)
    length = options.stack_length
    videos = (options.video,) if options.video else reader.video_ids
    video, first = clips.find_motion(reader, videos, length) or (videos[0], 0)
    if options.first_frame is not None:
        first = options.first_frame
    clip = clips.read_clip(reader, video, first, length)
    for name, drawing in (
        ("fig2", clips.draw_flow(clip)),
        ("fig3", clips.draw_sampling(clip)),
    ):
        _write(folder / f"{name}.png", pictures.render(drawing), f"{video} from frame {first}")


def draw_filters(run_dir: str, folder: pathlib.Path) -> None:
    """Draws Fig. 4."""
    run = runs.load(run_dir)
    model, iterations = runs.load_model(run)
    rgb = not isinstance(run.recipe, paper.TemporalRecipe)
    picture = pictures.first_layer_filters(model.get_layer("conv1").kernel.numpy(), rgb=rgb)
    _write(folder / "fig4.png", picture, f"{run_dir} after {iterations:,} iterations")


def draw_scores(path: str, folder: pathlib.Path) -> None:
    """Draws Fig. 5 and 6; 6 alone where no class is taken for another, as a video shows several."""
    videos = score_files.load_scores(path)
    scores, labels = videos.scores, videos.labels
    title = reports.title("", metrics.measure(scores, labels), len(labels))
    if not videos.multi_label:
        matrix = metrics.confusion_matrix(scores, labels)
        reports.write_confusion_matrix(matrix, videos.class_names, folder / "fig5", title=title)
        print(f"{folder / 'fig5.png'}: {path}, {title}")
    measure, values = metrics.measure_per_class(scores, labels)
    reports.write_per_class(
        values, videos.class_names, folder / "fig6", measure=measure, title=title
    )
    print(f"{folder / 'fig6.png'}: {path}, {title}")


def _write(path: pathlib.Path, picture: np.ndarray, words: str) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    print(f"{path}: {words}")


def main() -> None:
    """Draws what the parsed flags name."""
    options = cli.parse(Options)
    folder = pathlib.Path(options.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    if options.store:
        draw_video(options, folder)
    if options.run_dir:
        draw_filters(options.run_dir, folder)
    if options.scores:
        draw_scores(options.scores, folder)


if __name__ == "__main__":
    cli.run(main)
