"""Photos of an evaluation, with what the models said of them."""

from collections.abc import Sequence

from core.services.evaluation_breakdown import PhotoCase
from core.services.evaluation_comparison import Disagreement
from pages.ui import gallery, text


def show_photos(cases: Sequence[PhotoCase]) -> None:
    """Draw each photo with what the model took it for."""
    gallery.show_cards([_card(case, (_said(case),)) for case in cases])


def show_disagreements(found: Sequence[Disagreement], first: str, second: str) -> None:
    """Draw each photo with what it is and what both models took it for."""
    gallery.show_cards(
        [
            _card(
                each.first,
                (
                    gallery.Line(f"is {text.leaf(each.first.true)}"),
                    _said(each.first, f"{first}: "),
                    _said(each.second, f"{second}: "),
                ),
            )
            for each in found
        ]
    )


def _card(case: PhotoCase, lines: tuple[gallery.Line, ...]) -> gallery.Card:
    src = f"/api/evaluations/{case.evaluation_id}/photos/{case.index}"
    label = f"{case.file_name}: {case.true}"
    return gallery.Card(f"{src}?size=thumb", f"{src}?size=view", label, lines)


def _said(case: PhotoCase, who: str = "") -> gallery.Line:
    words = f"{who}{text.leaf(case.predicted)}, {text.percent(case.confidence, digits=0)} sure"
    return gallery.Line(words, "right" if case.predicted == case.true else "wrong")
