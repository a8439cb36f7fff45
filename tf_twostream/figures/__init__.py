"""Pictures, tables and clips of results, as files and in TensorBoard.

A notebook needs `summarise`, whose result draws the confusion matrix and the recall of each class.
The colours of a flow field are `flow.color.colorize`, a video's frames and flow `clips.draw_flow`.
Only `tensorboard` imports TensorFlow, and `clips` when it follows trajectories.
"""

from tf_twostream.figures.results import Result, summarise

__all__ = ["Result", "summarise"]
