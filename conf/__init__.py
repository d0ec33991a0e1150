"""Typed settings and data set descriptions: what the pipeline is told, never what it finds out."""
