"""Training: `train.train` tells how, from the data to the last checkpoint.

`videos` and `imagenet` read what is learnt, `steps` computes one iteration, `devices` spreads it,
`hosts` lets several machines find each other, `checkpoints` keeps it, `monitoring` says how it
goes. `data_sets` opens and checks lists and stores; `execution`, `addition` and `sharing` hold
knobs; importing these, or this package, imports no TensorFlow.
"""
