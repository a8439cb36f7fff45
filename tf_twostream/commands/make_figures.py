r"""Draws the paper's Figures 2 to 6 from one's own videos, networks and scores.

    twostream make-figures --store=stores/ucf101 --run_dir=runs/temporal1 \
        --scores=results/split1/average.npz --output_dir=figures

--store: fig2.png, flow and its components; fig3.png, where both ways of stacking read it.
--run_dir: fig4.png, the filters of the first layer. --scores: fig5.png, the confusion matrix, and
fig6.png, the recall of each class, both with their numbers as CSV. Each may be left out.
"""

import dataclasses
import pathlib
from typing import ClassVar

from tf_twostream import cli, paper
from tf_twostream.paper import testing
from tf_twostream.processes import files, printing


@dataclasses.dataclass(frozen=True, kw_only=True)
class FigureFlags(cli.Knobs):
    """What to draw."""

    group: ClassVar[str] = "data"

    store: str = cli.knob("", "Store with the video of Fig. 2 and 3.", remote=True)
    video: str = cli.knob("", "Its id in the store (its path); by default one that moves.")
    first_frame: int | None = cli.knob(
        None,
        "Its frame tau, counted from 0; by default so that the fields are in its middle.",
        at_least=0,
    )
    stack_length: int = cli.knob(
        paper.STACK_LENGTH, "L, the number of fields that Fig. 3 follows.", at_least=1
    )
    run_dir: str = cli.knob("", "Run folder of the network of Fig. 4.", group="network")
    checkpoint: testing.Checkpoint = cli.knob_of(testing.Testing, "checkpoint")
    scores: str = cli.knob("", "Scores file (npz) of the test videos for Fig. 5 and 6.")
    output_dir: str = cli.knob(cli.REQUIRED, "Folder of the figures.", group="output")

    def __post_init__(self) -> None:
        """Checks that there is something to draw."""
        super().__post_init__()
        if not (self.store or self.run_dir or self.scores):
            raise ValueError("A figure needs --store, --run_dir or --scores. Received: none.")


def draw_video(given: FigureFlags, folder: pathlib.Path) -> None:
    """Draws Fig. 2 and 3 of the video that is named, or of one that moves."""
    from tf_twostream import store
    from tf_twostream.figures import clips, pictures

    reader = store.Reader(given.store)
    length = given.stack_length
    videos = (given.video,) if given.video else reader.video_ids
    # Where all videos are too short, `read_clip` says so of the first.
    video, first = clips.find_motion(reader, videos, length) or (videos[0], 0)
    if given.first_frame is not None:  # 0 is a frame.
        first = given.first_frame
    clip = clips.read_clip(reader, video, first, length)
    for name, drawing in (("fig2", clips.draw_flow(clip)), ("fig3", clips.draw_sampling(clip))):
        pictures.write_png(folder / f"{name}.png", pictures.render(drawing))
        print(f"{folder / name}.png: {video} from frame {first}")


def draw_filters(given: FigureFlags, folder: pathlib.Path) -> None:
    """Draws Fig. 4, the filters of a checkpoint."""
    from tf_twostream import models, runs
    from tf_twostream.figures import pictures
    from tf_twostream.paper import recipes

    run = runs.load(given.run_dir, checkpoint=given.checkpoint)
    model, iterations = runs.load_model(run)
    if not isinstance(run.recipe, recipes.TowerRecipe):
        rule = "The filters must be of a network of one stream"
        raise ValueError(f"{rule}. Received: {given.run_dir}, {run.recipe.stream}.")
    kernel = model.get_layer(models.architecture_of(run.recipe).first).kernel.numpy()
    picture = pictures.first_layer_filters(kernel, rgb=not run.recipe.sees_flow)
    pictures.write_png(folder / "fig4.png", picture)
    print(f"{folder / 'fig4.png'}: {given.run_dir} after {printing.count(iterations, 'iteration')}")


def draw_scores(path: str, folder: pathlib.Path) -> None:
    """Draws Fig. 5 and 6; only Fig. 6 where a video may show several classes."""
    from tf_twostream import figures
    from tf_twostream.scores import score_files

    result = figures.summarise(score_files.load_scores(path))
    for written in result.write(folder / "fig5", folder / "fig6"):
        print(f"{written}: {path}, {result.title}")


def main(given: FigureFlags) -> None:
    """Draws what the parsed flags name."""
    folder = pathlib.Path(given.output_dir)
    files.check_folder(folder, "output_dir")
    if given.scores:  # First, since it takes least.
        draw_scores(given.scores, folder)
    if given.store:
        draw_video(given, folder)
    if given.run_dir:
        draw_filters(given, folder)
