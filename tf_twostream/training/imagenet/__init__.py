"""Pre-training of the spatial network on ImageNet ILSVRC-2012 (paper, Sect. 5).

"We use the same training and test data augmentation as described above (cropping, flipping, RGB
jittering). This yields 13.5% top-5 error on ILSVRC-2012 validation set." The run folder is like
that of any spatial network, with a split that names the classes and lists no videos: training on
videos starts from it. `knobs` imports no TensorFlow.
"""
