"""What the operating system is asked for: worker processes and locks."""
