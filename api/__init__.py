"""The HTTP door: images, uploads, decisions and exports, beside the pages on one origin."""
