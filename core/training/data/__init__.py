"""Labelled pictures: where they are read from, what is checked, how they are split."""
