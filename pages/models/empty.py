"""What the Models page says while there is little to show."""

import streamlit as st


def show_no_model() -> None:
    """No model at all."""
    st.info(
        "No model has been trained yet. Start with the sample catalog on the first page, press "
        "**Train a model**, or train on photos of your own that are sorted into one folder a "
        "category:",
        icon=":material/network_node:",
    )
    st.code(
        "catalens train --arch custom_cnn --data PATH/TO/photos\n"
        "catalens train --arch efficientnet_lite0 --data PATH/TO/photos\n"
        "catalens train --arch resnet50 --data PATH/TO/photos\n"
        "catalens train --arch vit --data PATH/TO/photos",
        language=None,
    )


def show_nothing_measured() -> None:
    """Models, but none with a stored evaluation."""
    st.info(
        "These models were made before measurements were kept. Measure them on labelled photos "
        "to compare them here, down to the photo; what was reviewed here will do, too:",
        icon=":material/query_stats:",
    )
    st.code(
        "catalens evaluate --model MODEL --data PATH/TO/photos\n"
        "catalens evaluate --model MODEL --data reviewed",
        language=None,
    )


def show_nothing_left() -> None:
    """The filters leave nothing."""
    st.info(
        "No measurement passes these filters. Clear the category, the group or the dates.",
        icon=":material/filter_alt_off:",
    )
