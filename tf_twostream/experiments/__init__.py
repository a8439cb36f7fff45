"""The papers' tables: each row is a change of the recipe and the number that was published for it.

`rows` says what a row is made of; `tables` and `fusion_tables` list them. `scales` knows where data
lie and how large the networks are; `plans` turns a row into commands, with the runs that `imagenet`
finds to start from. `needs` says what they lack, `running` carries them out, and `results` writes
our numbers beside the published ones.

`learning` turns a folder of videos into commands in the same way, by one of the `presets`;
`forecasts` says in words what they will take. A step is a `chains.Step` in both.
"""

from tf_twostream.experiments.rows import Fusion, Network, Row, Size, Table, list_networks
from tf_twostream.experiments.tables import TABLES

__all__ = ["TABLES", "Fusion", "Network", "Row", "Size", "Table", "list_networks"]
