"""What is asked of the machine: worker processes, locks, whole files, progress, compiled code."""
