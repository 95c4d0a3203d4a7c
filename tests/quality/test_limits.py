"""Limits of branches of categories."""

from core.quality import Limits
from core.quality.limits import branches_of

LIMITS = Limits({("dark", None): 0.3, ("dark", "Home"): 0.2, ("dark", "Home > Mug"): 0.1})


def test_the_smallest_branch_counts():
    assert LIMITS.find("dark", "Home > Mug > Large") == 0.1
    assert LIMITS.find("dark", "Home > Lamp") == 0.2
    assert LIMITS.find("dark", "Homes") == 0.3
    assert LIMITS.find("dark", None) == 0.3


def test_a_check_without_limits_keeps_its_own():
    assert LIMITS.find("blurry", "Home > Mug") is None


def test_branches_go_from_the_category_to_the_root():
    assert branches_of("A > B > C") == ("A > B > C", "A > B", "A")
    assert branches_of(None) == ()
