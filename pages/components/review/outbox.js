const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000]
const UNAUTHENTICATED = 401
const MAX_TOGETHER = 20 // about 14 KiB, of the 64 that a closing page may send

/**
 * Decisions on their way: one request at a time, with all that were made meanwhile, in order.
 * They are one person's: who signs in next in this browser neither sees nor sends them.
 */
class Outbox {
  constructor({ user, onChange, onRefused, onWaiting }) {
    this.user = user
    this.prefix = `catalens.unsent.${user}.`
    this.entries = new Map()
    this.failures = 0
    this.isSignedOut = false
    this.onChange = onChange
    this.onRefused = onRefused
    this.onWaiting = onWaiting
    for (const name of Object.keys(localStorage).filter((key) => key.startsWith(this.prefix))) {
      this.put(JSON.parse(localStorage.getItem(name)))
    }
  }

  get size() {
    return this.entries.size
  }

  /** The kind of the last unsent decision on a listing, undefined where there is none. */
  lastKind(listingId) {
    return [...this.entries.values()].findLast(({ body }) => body.listing_id === listingId)?.body.kind
  }

  put(body) {
    this.entries.set(body.key, { body, inFlight: false, resting: false, broken: 0 })
  }

  add(decision) {
    const body = { ...decision, by: this.user }
    this.put(body)
    localStorage.setItem(this.prefix + body.key, JSON.stringify(body))
    this.pump()
  }

  /** Send what may go now; at the end of the page everything may, it is kept until acknowledged. */
  pump({ leaving = false } = {}) {
    const all = [...this.entries.values()]
    const waiting = all.filter((entry) => !entry.inFlight)
    if (leaving) {
      for (; waiting.length; ) this.send(waiting.splice(0, MAX_TOGETHER))
    } else if (waiting.length === all.length) {
      const next = this.next(waiting)
      if (next.length) this.send(next)
    }
    this.onChange()
  }

  /** What goes together: one of each listing, the first; what a request broke on goes alone. */
  next(waiting) {
    const seen = new Set()
    const first = waiting.filter(({ body: { listing_id: id } }) => !seen.has(id) && seen.add(id))
    const ready = first.filter((entry) => !entry.resting)
    const sound = ready.filter((entry) => !entry.broken)
    if (sound.length) return sound.slice(0, MAX_TOGETHER)
    return ready.sort((one, other) => one.broken - other.broken).slice(0, 1)
  }

  async send(entries) {
    for (const entry of entries) entry.inFlight = true
    try {
      const response = await fetch("/api/decisions", {
        method: "POST",
        keepalive: true,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ decisions: entries.map((entry) => entry.body) }),
      })
      this.isSignedOut = response.status === UNAUTHENTICATED
      if (this.isSignedOut) throw new Error("somebody else is signed in, or nobody")
      this.settle(entries, await this.answersOf(response, entries))
    } catch {
      for (const entry of entries) entry.inFlight = false
      this.retryLater()
    }
  }

  /** What became of each; where the request failed as a whole, the next ones find out on whose account. */
  async answersOf(response, entries) {
    if (response.ok) return response.json()
    if (response.status < 500 && entries.length === 1) return [await response.json()]
    for (const entry of entries) entry.broken += 1
    throw new Error(`the server answered ${response.status}`)
  }

  settle(entries, answers) {
    if (answers.some(({ error }) => error !== "LeasedError")) this.failures = 0
    entries.forEach((entry, place) => {
      const { error, message } = answers[place]
      entry.inFlight = false
      if (error === "LeasedError") {
        this.waitFor(entry, message)
        return
      }
      this.remove(entry)
      if (error) this.onRefused(entry.body, message)
    })
    this.pump()
  }

  /** Somebody else has the listing: keep the decision until they decided it, or left it. */
  waitFor(entry, message) {
    if (!entry.told) this.onWaiting(message)
    entry.told = true
    entry.resting = true
    this.retryLater()
  }

  remove(entry) {
    this.entries.delete(entry.body.key)
    localStorage.removeItem(this.prefix + entry.body.key)
  }

  retryLater() {
    this.onChange()
    if (this.timer) return
    const delay = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]
    this.failures += 1
    this.timer = setTimeout(() => this.retryNow(), delay)
  }

  retryNow() {
    clearTimeout(this.timer)
    this.timer = null
    for (const entry of this.entries.values()) entry.resting = false
    this.pump()
  }
}

