"""Which part of a photo made a model think of a category, and whether models agree on that.

``gradcam`` needs torch; ``agreement`` does not, so that pages may use it.
"""
