"""How long the finder of categories takes from a letter typed to its list painted.

10,000 categories in three levels, each with a code and three synonyms, words typed into the dialog
on the review screen: beginnings of one or two words of path, code and synonyms, in any order, some
that no category has. ``p50_ms.CATEGORIES`` is timed in
the browser, from the input to after the frame with the server's answer;
``service_ms_p50.CATEGORIES`` is the search alone, in this process.
"""

import random
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import sqlalchemy as sa

from benchmarks import drawn_queue, harness
from benchmarks.harness import Figures, Options
from benchmarks.review_keys import Server, open_review, show_photos
from benchmarks.startup import open_browser
from core.services import categories, database
from core.settings import Settings
from db.folding import searched_words
from db.rows import CategoryRow, CategorySynonymRow

CATEGORIES = 10_000
SEARCHES = 200
QUICK_SEARCHES = 20
LISTINGS = 500
SYLLABLES = ("ka", "lo", "mi", "tu", "ren", "sol", "ba", "der", "fin", "gro", "pel", "vas")
SYNONYMS = 3
ROOTS = 20
BRANCHES = 25  # of each root

TIMED = """(root, words) => new Promise((resolve) => {
  const input = root.querySelector('[data-role="finder-input"]')
  const list = root.querySelector('[data-role="finder-options"]')
  delete list.dataset.found
  const observer = new MutationObserver(() => {
    if (list.dataset.found !== words) return
    observer.disconnect()
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => resolve(performance.now() - start)
      port2.postMessage(null)
    })
  })
  observer.observe(list, { attributes: true, attributeFilter: ["data-found"] })
  const start = performance.now()
  input.value = words
  input.dispatchEvent(new Event("input"))
})"""


def measure(options: Options) -> Figures:
    """Return the median and the 95th percentile in the browser, and the median of the search."""
    searches = QUICK_SEARCHES if options.quick else SEARCHES
    with ExitStack() as stack:
        folder = stack.enter_context(harness.work_folder())
        settings = Settings(_env_file=None, data_dir=folder, database_url="")
        engine = database.open_engine(settings)
        stack.callback(engine.dispose)
        database.upgrade(engine)
        drawn = drawn_queue.draw(engine, LISTINGS)
        show_photos(engine, settings, count=LISTINGS)
        typed = draw_words(draw_categories(engine, CATEGORIES), searches)
        alone = []
        for words in typed:
            start = time.perf_counter()
            categories.search(engine, actor=drawn.actor, text=words)
            alone.append((time.perf_counter() - start) * 1000)
        server = Server(folder)
        stack.callback(server.close)
        server.wait()
        times = _type(open_browser(stack), server, typed)
    return {
        f"p50_ms.{CATEGORIES}": float(np.percentile(times, 50)),
        f"p95_ms.{CATEGORIES}": float(np.percentile(times, 95)),
        f"service_ms_p50.{CATEGORIES}": statistics.median(alone),
    }


def draw_categories(engine: sa.Engine, count: int) -> Sequence[str]:
    """Add categories until there are that many; return what each that was added is called."""
    drawing = random.Random(0)
    rows: list[dict[str, Any]] = []
    terms: list[dict[str, Any]] = []
    with engine.begin() as connection:
        known = connection.scalar(sa.select(sa.func.count(CategoryRow.id))) or 0
        for number in range(known, count):
            root, branch = number % ROOTS, number % (ROOTS * BRANCHES)
            name = f"{_word(drawing)} {_word(drawing)} {number}"
            path = f"{_word(random.Random(root))} > {_word(random.Random(branch + 99))} > {name}"
            code = f"{_word(drawing)[:3].upper()}-{number:05}"
            synonyms = [f"{_word(drawing)} {_word(drawing)}" for _ in range(SYNONYMS)]
            words = searched_words(path=path, code=code, synonyms=synonyms)
            row = {"id": number + 1, "name": name, "path": path, "code": code, "words": words}
            rows.append(row)
            terms += [{"category_id": number + 1, "name": each} for each in synonyms]
        drawn_queue.insert(connection, CategoryRow, rows)
        drawn_queue.insert(connection, CategorySynonymRow, terms)
    return [str(row["words"]) for row in rows]


def draw_words(called: Sequence[str], count: int) -> Sequence[str]:
    """Return what is typed: beginnings of one or two of a category's words; one in ten of none."""
    drawing = random.Random(1)
    typed = []
    for _ in range(count):
        words = drawing.choice(called).replace(">", " ").split()
        chosen = drawing.sample(words, drawing.choice((1, 2)))
        begun = [word[: drawing.randint(2, 6)] for word in chosen]
        typed.append("qqq" if drawing.random() < 0.1 else " ".join(begun))
    return typed


def _word(drawing: random.Random) -> str:
    return "".join(drawing.choices(SYLLABLES, k=3)).capitalize()


def _type(browser: Any, server: Server, typed: Sequence[str]) -> Sequence[float]:
    page = open_review(browser.new_context(base_url=server.address))
    page.keyboard.press("e")
    root = page.locator("section.review")
    return [float(root.evaluate(TIMED, words)) for words in typed]


if __name__ == "__main__":
    harness.main("category_finder", measure)
