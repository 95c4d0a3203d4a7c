"""How good a model is: arrays in, figures with intervals out. No torch, no database."""
