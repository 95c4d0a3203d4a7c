const LOOK_AFTER_MS = 250

/** Decided listings that look like the one on screen, asked for once it is looked at. */
class LookAlikes {
  constructor(root) {
    this.part = root.querySelector('[data-role="look-alikes"]')
    this.count = root.querySelector('[data-role="look-alikes-count"]')
    this.list = root.querySelector('[data-role="look-alikes-list"]')
  }

  /** Have none on screen; who decides at once has nothing asked for. */
  clear() {
    clearTimeout(this.timer)
    this.item = null
    this.count.textContent = ""
    this.list.replaceChildren()
  }

  /** Show those of the item soon, unless it has gone by then; its place is kept free. */
  showSoon(item) {
    this.clear()
    this.item = item
    this.part.hidden = !item.listing.photos.length
    if (this.part.hidden) return
    if (item.lookAlikes) this.draw(item)
    else this.timer = setTimeout(() => this.load(item), LOOK_AFTER_MS)
  }

  async load(item) {
    try {
      item.lookAlikes = await fetchJson(`/api/review/listings/${item.listing.id}/look-alikes`)
      if (this.item === item) this.draw(item)
    } catch {
      if (this.item === item) this.count.textContent = "could not be loaded"
    }
  }

  draw({ listing, lookAlikes }) {
    const suggested = listing.suggested?.path
    const same = lookAlikes.filter(({ category }) => category === suggested).length
    const words = suggested ? `${same} of ${lookAlikes.length} decided as suggested` : ""
    this.count.textContent = lookAlikes.length ? words : "none is decided yet"
    this.list.replaceChildren(...lookAlikes.map((each) => this.tile(each, suggested)))
  }

  tile({ listing_id, name, sha256, category, likeness, copies }, suggested) {
    const row = element("li")
    const link = element("a", category === suggested ? "alike same" : "alike")
    link.href = `/listing?id=${listing_id}`
    link.target = "_blank"
    const more = copies ? ` · ${copies} more with this photo` : ""
    link.title = `${name} · ${category} · ${likeness.toFixed(2)} alike${more}`
    link.setAttribute("aria-label", `${name}, decided as ${category}`)
    const img = element("img")
    img.alt = ""
    img.src = `/api/images/${sha256}/thumb`
    link.append(img, element("span", "", leaf(category)))
    row.append(link)
    return row
  }

  focus() {
    this.list.querySelector("a")?.focus()
  }
}
