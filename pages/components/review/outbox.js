const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000]
const UNSENT_PREFIX = "catalens.unsent."

/** Decisions on their way. Each listing's are sent in order, those of others side by side. */
class Outbox {
  constructor({ onChange, onRefused, onWaiting }) {
    this.entries = new Map()
    this.failures = 0
    this.onChange = onChange
    this.onRefused = onRefused
    this.onWaiting = onWaiting
    for (const name of Object.keys(localStorage).filter((key) => key.startsWith(UNSENT_PREFIX))) {
      const body = JSON.parse(localStorage.getItem(name))
      this.entries.set(body.key, { body, inFlight: false })
    }
  }

  get size() {
    return this.entries.size
  }

  add(body) {
    this.entries.set(body.key, { body, inFlight: false })
    localStorage.setItem(UNSENT_PREFIX + body.key, JSON.stringify(body))
    this.pump()
  }

  /** Send what may go now; at the end of the page everything may, it is kept until acknowledged. */
  pump({ leaving = false } = {}) {
    const busy = new Set()
    for (const entry of this.entries.values()) {
      const blocked = busy.has(entry.body.listing_id)
      busy.add(entry.body.listing_id)
      if (!entry.inFlight && (leaving || !blocked)) this.send(entry)
    }
    this.onChange()
  }

  async send(entry) {
    entry.inFlight = true
    try {
      const response = await fetch("/api/decisions", {
        method: "POST",
        keepalive: true,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(entry.body),
      })
      if (response.status >= 500) throw new Error(`the server answered ${response.status}`)
      const problem = response.ok ? null : await response.json()
      if (problem?.error === "LeasedError") {
        this.waitFor(entry, problem.message)
        return
      }
      this.failures = 0
      this.remove(entry)
      if (problem) this.onRefused(entry.body, problem.message)
      this.pump()
    } catch {
      entry.inFlight = false
      this.retryLater()
    }
  }

  /** Somebody else has the listing: keep the decision until they decided it, or left it. */
  waitFor(entry, message) {
    entry.inFlight = false
    if (!entry.told) this.onWaiting(message)
    entry.told = true
    this.retryLater()
  }

  remove(entry) {
    this.entries.delete(entry.body.key)
    localStorage.removeItem(UNSENT_PREFIX + entry.body.key)
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
    this.pump()
  }
}

