"""What people call the networks: a table of its own, because no page may load torch."""

_NAMES = {
    "custom_cnn": "Custom CNN",
    "resnet50": "ResNet-50",
    "vit": "Vision Transformer",
    "efficientnet_lite0": "EfficientNet-Lite0",
}


def model_name(arch: str) -> str:
    """Return the label of an architecture; the key itself when it is none of the table's."""
    return _NAMES.get(arch, arch)
