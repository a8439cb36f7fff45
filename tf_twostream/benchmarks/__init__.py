"""What the command `benchmark` measures: one module for each thing that can be compared."""
