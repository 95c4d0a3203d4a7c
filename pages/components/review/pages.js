/** Deciding a page of listings at once, on the same queue as one at a time. */
class Pages {
  constructor(screen, signal) {
    this.screen = screen
    this.grid = new Grid(screen.root, { signal, onAccept: (items) => this.accept(items) })
    this.acceptances = [] // items that were accepted together, latest last: what Z takes back
    this.actions = {
      reject: () => this.grid.mark(),
      "accept-rest": () => this.grid.ask(),
      "accept-asked": () => this.grid.acceptAsked(),
      "accept-none": () => this.grid.dialog.close(),
      undo: () => this.undo(),
      previous: () => this.grid.step(-1),
      next: () => this.grid.step(1),
      "previous-photo": () => this.grid.stepRow(-1),
      "next-photo": () => this.grid.stepRow(1),
      grid: () => this.leave(),
      restart: () => screen.restart(),
    }
  }

  get isOpen() {
    return this.grid.isOpen
  }

  open() {
    const { queue } = this.screen
    if (!queue) return
    if (!OPEN_STATES.includes(queue.filters.state ?? "needs_review")) {
      this.screen.notices.notify("These are decided: only what is open can be accepted by the page.")
      return
    }
    this.grid.open()
    this.drawSwitch()
    this.fill()
  }

  close() {
    this.grid.close()
    this.drawSwitch()
  }

  drawSwitch() {
    const pressed = String(this.isOpen)
    this.screen.root.querySelector('.status [data-action="grid"]').setAttribute("aria-pressed", pressed)
  }

  /** Go back to one at a time, to the first that is open: what was marked is among them. */
  leave() {
    this.close()
    this.screen.queue.index = -1
    this.screen.advance()
  }

  /** Show the next page, or what is left of the queue. */
  async fill() {
    const { screen, grid } = this
    const { queue, notices } = screen
    clearTimeout(screen.recheck)
    grid.clear()
    screen.stage.clear()
    notices.showLoading()
    try {
      while (queue.unmarked().length < GRID_SIZE && !queue.ended) await queue.loadMore(GRID_SIZE)
    } catch (error) {
      if (queue === screen.queue) notices.showProblem(error)
      return
    }
    if (queue === screen.queue && this.isOpen) this.show(queue.unmarked())
  }

  show(items) {
    const { screen } = this
    screen.notices.drawRemaining(screen.queue)
    if (!items.length) {
      this.end()
      return
    }
    const ids = items.map((item) => item.listing.id)
    screen.leases.keepPage(ids, { taken: screen.queue.taken })
    screen.clock.restart()
    this.grid.show(items, { canUndo: this.latest().length > 0 })
  }

  /** Nothing is left to accept by the page: what was marked comes one at a time. */
  end() {
    const marked = this.screen.queue.items.filter((item) => item.open && item.marked).length
    const listings = marked === 1 ? "1 marked listing" : `${marked} marked listings`
    if (marked) this.screen.notices.notify(`That was the last page. Now the ${listings}, one by one.`)
    this.leave()
  }

  /** Accept what was on screen when the reviewer was asked; each is a decision of its own. */
  accept(items) {
    const { screen } = this
    const open = items.filter((item) => item.open && !item.held && !item.marked)
    const activeMs = Math.round(screen.clock.tick() / Math.max(1, open.length))
    for (const item of open) {
      screen.keep(item, "accept", item.listing.suggested, { activeMs, view: "page" })
    }
    this.acceptances.push(open)
    screen.notices.say(`${open.length} accepted`)
    this.fill()
  }

  /** What was accepted last and still is. */
  latest() {
    const { items } = this.screen.queue
    const stands = (item) => !item.open && item.decision && items.includes(item)
    const latest = this.acceptances.findLast((each) => each.some(stands)) ?? []
    return latest.filter(stands)
  }

  /** Take back what was accepted last, and show it again. */
  undo() {
    const latest = this.latest()
    if (!latest.length) return
    for (const item of latest) this.screen.takeBack(item, item.decision)
    this.screen.made = this.screen.made.filter((item) => item.decision)
    this.screen.notices.say(`${latest.length} taken back`)
    this.show(latest)
  }

  onHeld(item, by) {
    const name = item.listing.title || item.listing.sku
    this.screen.notices.notify(`${by} is looking at ${name}, too, and comes first.`)
    this.grid.draw()
  }
}
