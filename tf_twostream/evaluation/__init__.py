"""What a trained network says: scores of a split, labels of new videos, an exported model."""
