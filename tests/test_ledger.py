from hypothesis import given
from hypothesis import strategies as st

from core.ledger import BEGINNING, Chain, link

values = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
entries = st.lists(
    st.dictionaries(st.text(max_size=3), values | st.lists(values, max_size=3), max_size=4),
    min_size=1,
    max_size=6,
)


def chained(rows: list[dict[str, object]]) -> list[tuple[dict[str, object], str]]:
    digest, links = BEGINNING, []
    for row in rows:
        digest = link(digest, row)
        links.append((row, digest))
    return links


@given(entries)
def test_an_untouched_chain_is_sound_however_it_is_cut(rows: list[dict[str, object]]) -> None:
    links, chain = chained(rows), Chain()
    for cut in (links[:2], links[2:]):
        assert chain.follow(cut)
    assert (chain.head, chain.count, chain.broken) == (links[-1][1], len(rows), None)


@given(entries, st.data())
def test_a_changed_entry_is_named(rows: list[dict[str, object]], data: st.DataObject) -> None:
    links = chained(rows)
    at = data.draw(st.integers(0, len(rows) - 1))
    changed = {**rows[at], "changed": "later"}
    links[at] = (changed, links[at][1])
    chain = Chain()
    assert not chain.follow(links)
    assert chain.broken == changed
    assert chain.count == at


@given(entries, st.data())
def test_an_entry_taken_out_breaks_the_one_after_it(
    rows: list[dict[str, object]], data: st.DataObject
) -> None:
    links = chained([*rows, {"last": 1}])
    at = data.draw(st.integers(0, len(rows) - 1))
    chain = Chain()
    assert not chain.follow(links[:at] + links[at + 1 :])
    assert chain.count == at


def test_a_chain_cut_short_misses_the_head_that_was_written_down() -> None:
    links = chained([{"n": n} for n in range(4)])
    chain = Chain(missing={links[-1][1], links[0][1]})
    assert chain.follow(links[:3])
    assert chain.missing == {links[-1][1]}


def test_the_order_of_names_does_not_matter() -> None:
    assert link(BEGINNING, {"a": 1, "b": "é"}) == link(BEGINNING, {"b": "é", "a": 1})
    assert link(BEGINNING, {"a": 1}) != link(BEGINNING, {"a": "1"})
