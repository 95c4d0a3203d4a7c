const GRID_SIZE = 24

/**
 * A page of listings beside each other, by suggested category, so that the odd one out is seen.
 * What is marked as wrong, or was not in sight yet, is never accepted with the rest.
 */
class Grid {
  constructor(root, { signal, onAccept }) {
    this.root = root
    this.list = root.querySelector('[data-role="tiles"]')
    this.dialog = root.querySelector('[data-role="accept-rest"]')
    this.isOpen = false
    this.tiles = []
    this.list.addEventListener("focusin", (event) => this.rove(event.target), { signal })
    this.onAccept = onAccept
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  open() {
    this.isOpen = true
  }

  close() {
    this.isOpen = false
    this.clear()
  }

  /** Have nothing on screen that could be accepted. */
  clear() {
    this.observer?.disconnect()
    this.tiles = []
    this.part("grid").hidden = true
    this.part("grid-actions").hidden = true
    delete this.root.dataset.page
  }

  show(items, { canUndo }) {
    this.clear()
    this.part("message").hidden = true
    this.part("grid").hidden = false
    this.part("grid-actions").hidden = false
    this.observer = new IntersectionObserver((seen) => this.onSeen(seen), { threshold: 0.5 })
    this.tiles = byCategory(items).map((item, index, all) => new Tile(item, all[index - 1]))
    this.list.replaceChildren(...this.tiles.map((tile) => tile.node))
    for (const tile of this.tiles) {
      tile.node.onclick = () => this.mark(tile)
      this.observer.observe(tile.node)
    }
    this.root.querySelector('.grid-actions [data-action="undo"]').disabled = !canUndo
    this.focus(this.tiles[0])
    this.draw()
  }

  async onSeen(seen) {
    for (const { target, isIntersecting } of seen) {
      const tile = this.tiles.find((each) => each.node === target)
      if (!tile || !isIntersecting) continue
      this.observer.unobserve(target)
      tile.paint().then(() => this.draw())
    }
  }

  draw() {
    const rest = this.rest().length
    const marked = this.tiles.filter((tile) => tile.item.marked).length
    const unseen = this.tiles.length - rest - marked
    const words = [`${rest} to accept`, `${marked} marked`]
    if (unseen) words.push(`${unseen} not seen yet`)
    this.part("grid-count").textContent = words.join(" · ")
    this.root.querySelector('.grid-actions [data-action="accept-rest"]').disabled = rest === 0
    const isDone = (tile) => tile.isPainted || tile.item.marked || tile.isOutOfSight()
    if (!this.tiles.every(isDone)) return
    this.root.dataset.page = this.tiles.map((tile) => tile.item.listing.id).join(" ")
  }

  /** Tiles whose listings are accepted next: painted, in sight once, and not marked. */
  rest() {
    return this.tiles.filter((tile) => tile.isPainted && !tile.item.marked && !tile.item.held)
  }

  // ---- moving and marking ----------------------------------------------------------

  get focused() {
    return this.tiles.find((tile) => tile.node.tabIndex === 0)
  }

  /** One tile takes part in the order of Tab; arrows go to the others. */
  rove(node) {
    for (const each of this.tiles) each.node.tabIndex = each.node === node ? 0 : -1
  }

  focus(tile) {
    if (!tile) return
    this.rove(tile.node)
    tile.node.focus({ preventScroll: tile === this.tiles[0] })
  }

  step(by) {
    this.focus(this.tiles[this.tiles.indexOf(this.focused) + by])
  }

  /** Move to the tile above or below: the nearest of the next row. */
  stepRow(by) {
    const from = this.focused?.node.getBoundingClientRect()
    if (!from) return
    const away = (tile) => (tile.node.getBoundingClientRect().top - from.top) * by
    const aside = (tile) => Math.abs(tile.node.getBoundingClientRect().left - from.left)
    const ahead = this.tiles.filter((tile) => away(tile) > 1)
    const nearest = Math.min(...ahead.map(away))
    const row = ahead.filter((tile) => away(tile) <= nearest + 1)
    this.focus(row.sort((one, other) => aside(one) - aside(other))[0])
  }

  /** Mark the listing as wrong, or take that back; one that cannot be accepted stays marked. */
  mark(tile = this.focused) {
    if (!tile) return
    tile.item.marked = !tile.item.marked || !tile.canAccept
    tile.draw()
    this.draw()
  }

  // ---- accepting the rest ----------------------------------------------------------

  /** Ask once, with the number; what is asked about is what will be accepted. */
  ask() {
    this.asked = this.rest().map((tile) => tile.item)
    const count = this.asked.length
    if (!count) return
    const listings = count === 1 ? "1 listing" : `${count} listings`
    const kept = this.tiles.length - count
    this.part("accept-rest-title").textContent = `Accept ${listings} as suggested?`
    this.part("accept-rest-text").textContent = kept
      ? `${kept} marked or not yet seen ${kept === 1 ? "stays" : "stay"} undecided.`
      : "Nothing on this page is marked."
    this.dialog.showModal()
  }

  acceptAsked() {
    if (!this.dialog.open) return
    this.dialog.close()
    this.onAccept(this.asked)
  }
}

/** One listing of a page. */
class Tile {
  constructor(item, before) {
    this.item = item
    this.isPainted = false // in sight once, with its picture
    const { listing } = item
    this.canAccept = listing.suggested !== null && Boolean(listing.photos[0]) && !listing.photos[0].problem
    item.marked ||= !this.canAccept
    this.node = button("tile", null)
    this.node.tabIndex = -1
    const isFirst = listing.suggested?.id !== before?.listing.suggested?.id
    this.node.classList.toggle("first", isFirst)
    this.picture = element("span", "tile-picture")
    const category = listing.suggested ? leaf(listing.suggested.path) : "No suggestion"
    this.node.append(this.picture, element("span", "tile-category", category))
    this.node.append(element("span", "tile-title", listing.title || listing.sku))
    if (listing.flags.length) this.node.append(element("span", "tile-flags", this.flagWords()))
    this.draw()
  }

  flagWords() {
    const open = this.item.listing.flags.filter((flag) => !flag.wrong_by)
    return [...new Set(open.map((flag) => flag.label))].join(", ")
  }

  draw() {
    const { listing, marked } = this.item
    this.node.setAttribute("aria-pressed", String(marked))
    const words = [listing.title || listing.sku, listing.suggested?.path ?? "no suggestion"]
    if (this.flagWords()) words.push(`flags: ${this.flagWords()}`)
    this.node.setAttribute("aria-label", `Mark as wrong: ${words.join(", ")}`)
  }

  /** Show the picture; resolve once it has been painted. */
  async paint() {
    const photo = this.item.listing.photos[0]
    if (!this.canAccept && (!photo || photo.problem)) {
      this.picture.textContent = photo?.problem ?? "No photo"
      return
    }
    const img = element("img")
    img.alt = ""
    img.src = `/api/images/${photo.sha256}/thumb`
    try {
      await img.decode()
    } catch {
      this.picture.textContent = "This photo cannot be shown."
      this.canAccept = false
      this.item.marked = true
      this.draw()
      return
    }
    this.picture.replaceChildren(img)
    await nextFrame()
    await nextFrame() // the frame before this one has been painted
    this.isPainted = this.node.isConnected
  }

  isOutOfSight() {
    const { top, bottom } = this.node.getBoundingClientRect()
    const middle = (top + bottom) / 2
    return middle > window.innerHeight - 1 || middle < 0
  }
}

/** In the order of suggested categories, the most doubtful first; those without one last. */
function byCategory(items) {
  const path = ({ listing }) => listing.suggested?.path ?? "\uffff"
  const order = (one, other) => path(one).localeCompare(path(other))
  return [...items].sort(
    (one, other) => order(one, other) || other.listing.doubt - one.listing.doubt,
  )
}
