"""Descriptions of data sets: one drafted from the files alone, and one checked against them."""
