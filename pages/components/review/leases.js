const RENEW_MS = 20_000

/** What is on screen and next is held for this reviewer: nobody else is given it meanwhile. */
class Leases {
  constructor({ signal, onHeld }) {
    this.onHeld = onHeld
    this.ids = new Set()
    const seen = () => document.visibilityState === "visible" && this.renew()
    document.addEventListener("visibilitychange", seen, { signal })
    this.timer = setInterval(seen, RENEW_MS)
  }

  /** Hold these from now on; give back what was held and is not among them. */
  keep(ids, { taken }) {
    const known = this.ids
    this.ids = new Set(ids)
    this.giveBack([...known].filter((id) => !this.ids.has(id)))
    // After giving all back, what was given may overtake what was taken anew: take it again.
    if (!known.size || ids.some((id) => !known.has(id) && !taken.has(id))) this.renew()
  }

  /** Hold these from now on, as a page of many; what comes back later is asked for anew. */
  keepPage(ids, { taken }) {
    this.keep(ids, { taken })
    for (const id of taken) if (!this.ids.has(id)) taken.delete(id)
  }

  /** The server ends it with the decision. */
  forget(id) {
    this.ids.delete(id)
  }

  /** Hold them for another minute; hear of those that somebody else holds. */
  async renew() {
    if (!this.ids.size) return
    try {
      const holders = await putJson("/api/review/leases", { listing_ids: [...this.ids] })
      if (holders.length) this.onHeld(holders)
    } catch {
      return // without a network they lapse, and are asked for again when it is back
    }
  }

  /** Tell the server that others may have these; it is heard even while the page closes. */
  giveBack(ids) {
    if (!ids.length) return
    const body = new Blob([JSON.stringify({ listing_ids: ids })], { type: "application/json" })
    navigator.sendBeacon("/api/review/leases/release", body)
  }

  giveAllBack() {
    this.giveBack([...this.ids])
    this.ids.clear()
  }

  close() {
    clearInterval(this.timer)
    this.giveAllBack()
  }
}
