"""The networks: Keras functional models, built from the layer table in `paper`."""
