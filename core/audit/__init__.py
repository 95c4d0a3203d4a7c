"""A whole labelled catalogue gone through for wrong labels, on features of a packaged network."""
