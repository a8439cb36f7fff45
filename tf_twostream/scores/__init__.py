"""Scores of videos: files, measures, and the fusion of streams."""
