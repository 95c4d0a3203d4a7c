"""The pages. Each module defines ``render(actor)`` and draws nothing when it is imported."""
