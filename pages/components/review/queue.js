// With the one on screen and what is left, no more than the 24 that one reviewer holds at once.
const PAGE_SIZE = 12
const IDLE_MS = 30_000
const OPEN_STATES = ["needs_review", "auto_accepted"]
const MOVING_KINDS = ["accept", "correct", "reject"]

/** The listings in the order they come, and where the reviewer is among them. */
class Queue {
  constructor(filters, { skipped, outbox }) {
    this.filters = filters
    this.skipped = skipped
    this.outbox = outbox
    this.items = []
    this.taken = new Set() // ids that the server holds for this reviewer
    this.index = 0
    this.after = null
    this.ended = false
    this.remaining = 0
  }

  get current() {
    return this.items[this.index]
  }

  /** Load the next page; return whether anything new came. */
  async loadMore(limit = PAGE_SIZE) {
    if (this.ended) return false
    this.loading ??= this.loadPage(limit).finally(() => (this.loading = null))
    return this.loading
  }

  async loadPage(limit) {
    const asked = new URLSearchParams({ ...this.filters, limit })
    if (this.after) asked.set("after", this.after)
    const page = await fetchJson(`/api/review/next?${asked}`, { method: "POST" })
    if (!this.after) this.remaining = page.remaining
    const known = new Set(this.items.map((item) => item.listing.id))
    // What was decided here and is not sent yet is open to the server still.
    const isNew = ({ id }) => !known.has(id) && !MOVING_KINDS.includes(this.outbox.lastKind(id))
    const fresh = page.listings.filter(isNew)
    for (const listing of fresh) this.taken.add(listing.id)
    this.add(fresh)
    this.after = page.after
    this.ended = page.after === null
    return fresh.length > 0
  }

  add(listings) {
    this.items.push(...listings.map((listing) => new Item(listing, this.skipped)))
  }

  replace(index, listing) {
    this.items[index] = new Item(listing, this.skipped)
  }

  /** Skip a listing: it comes back once after all others, then only on demand. */
  putOff(item) {
    item.again = item.skipped
    this.skipped.add(item.listing.id)
  }

  /** Index of the listing to begin with, -1 when all that are loaded were skipped before. */
  first() {
    const found = this.items.findIndex((item) => !item.skipped)
    this.index = -1
    return found
  }

  /** Index of the next listing to decide, skipped ones last; -1 when none is loaded. */
  nextOpen() {
    const next = this.items.findIndex(
      (item, index) => index > this.index && item.open && !item.skipped && !item.held,
    )
    return next < 0 && this.ended ? this.nextSkipped() : next
  }

  /** What a page of many shows next: open, not skipped, not marked as wrong on one before. */
  unmarked() {
    const fits = (item) => item.open && !item.skipped && !item.held && !item.marked
    return this.items.filter(fits).slice(0, GRID_SIZE)
  }

  nextSkipped() {
    const waiting = this.items.filter((item) => item.open && item.skipped && !item.again)
    const order = (item) => this.skipped.orderOf(item.listing.id)
    return this.items.indexOf(waiting.sort((one, other) => order(one) - order(other))[0])
  }

  /** Note that one more (or one fewer) listing is open to decide. */
  countOpen(change) {
    const wantsOpen = OPEN_STATES.includes(this.filters.state ?? "needs_review")
    this.remaining += wantsOpen ? change : -change
  }

  /** What is on screen and all that was taken for afterwards. */
  ahead() {
    return this.items.slice(this.index, this.index + GRID_SIZE)
  }

  /** Ids of what is on screen and all that comes next, as far as it is to be decided. */
  wanted() {
    return this.items
      .slice(this.index)
      .filter((item, place) => item.open && (place === 0 || (!item.skipped && !item.held)))
      .map((item) => item.listing.id)
      .slice(0, GRID_SIZE)
  }
}

/** A listing in the queue, and what was done with it here. */
class Item {
  constructor(listing, skipped) {
    this.listing = listing
    this.version = listing.version
    this.open = OPEN_STATES.includes(listing.state)
    this.held = false // by somebody else
    this.marked = false // as wrong, on a page of many
    this.again = false // skipped once more after it had come back
    this.decision = null // {key, kind, category} made here
    this.putOffs = skipped
  }

  get skipped() {
    return this.putOffs.has(this.listing.id)
  }
}

/** Time the reviewer was at it: with the page in sight, a pause for no more than IDLE_MS. */
class Clock {
  constructor(signal) {
    document.addEventListener("visibilitychange", () => this.turn(), { signal })
    this.restart()
  }

  restart() {
    this.total = 0
    this.last = performance.now()
  }

  /** Count up to the moment that the page goes out of sight, and on from where it comes back. */
  turn() {
    if (document.visibilityState === "hidden") this.count()
    else this.last = performance.now()
  }

  tick() {
    if (document.visibilityState === "visible") this.count()
    return Math.round(this.total)
  }

  count() {
    const now = performance.now()
    this.total += Math.min(now - this.last, IDLE_MS)
    this.last = now
  }
}

/** The decision that stands on a listing as it came from the server. */
function lastDecision({ listing, open }) {
  if (open) return undefined
  return listing.history.findLast((past) => MOVING_KINDS.includes(past.kind) && !past.undone)
}

function shownOf(listing, policy) {
  const opinions = listing.photos.flatMap((photo) => photo.opinions)
  return {
    suggestions: listing.choices.map((choice) => choice.category.id),
    model_versions: [...new Set(opinions.map((opinion) => opinion.model_version_id))],
    flags: [...new Set(listing.flags.map((flag) => flag.kind))],
    policy,
  }
}
