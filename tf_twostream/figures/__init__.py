"""Pictures, tables and clips of results, as files and in TensorBoard."""
