"""All that a GPU can tell, in one command and a few minutes: `parts.measure`.

A measurement consists of parts, each bounded in time: whether a GPU computes what a CPU does
(`agreement`), how fast steps are (`throughput`), whether the input keeps up (`feeding`), how fast
Brox's flow is (`flow_rates`), and a real training (`trainings`). Whatever measures runs in a
process of its own (`jobs`), so that what fails, hangs or runs out of memory takes nothing else
along, and what is known is written at once (`report`).

`parts`, `jobs`, `report` and `setting` import no TensorFlow.
"""
