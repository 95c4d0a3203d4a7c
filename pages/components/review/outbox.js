const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000]
const UNAUTHENTICATED = 401
const MAX_SENDING = 4 // of the six connections that a browser opens; photos need the others

/**
 * Decisions on their way. Each listing's are sent in order, those of others side by side.
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
      const body = JSON.parse(localStorage.getItem(name))
      this.entries.set(body.key, { body, inFlight: false })
    }
  }

  get size() {
    return this.entries.size
  }

  add(decision) {
    const body = { ...decision, by: this.user }
    this.entries.set(body.key, { body, inFlight: false })
    localStorage.setItem(this.prefix + body.key, JSON.stringify(body))
    this.pump()
  }

  /** Send what may go now; at the end of the page everything may, it is kept until acknowledged. */
  pump({ leaving = false } = {}) {
    const busy = new Set()
    let sending = [...this.entries.values()].filter((entry) => entry.inFlight).length
    for (const entry of this.entries.values()) {
      const blocked = busy.has(entry.body.listing_id)
      busy.add(entry.body.listing_id)
      if (entry.inFlight || (!leaving && (blocked || sending >= MAX_SENDING))) continue
      sending += 1
      this.send(entry)
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
      this.isSignedOut = response.status === UNAUTHENTICATED
      if (this.isSignedOut) throw new Error("somebody else is signed in, or nobody")
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
    this.pump()
  }
}

