const RECHECK_MS = 4_000

/** The workstation as a whole: the queue, the decisions, and what comes next. */
class Screen {
  constructor(root, user) {
    this.root = root
    this.ending = new AbortController()
    this.notices = new Notices(root)
    this.stage = new Stage(root, {
      onTake: (category) => this.take(category),
      onJudge: (listing, flag, how) => this.judge(listing, flag, how),
    })
    this.skipped = new Skipped()
    this.made = [] // items decided here, latest last: what Z takes back
    const { signal } = this.ending
    this.pages = new Pages(this, signal)
    this.clock = new Clock(signal)
    this.leases = new Leases({ signal, onHeld: (holders) => this.onHeld(holders) })
    this.finder = new Finder(root, {
      signal,
      user,
      onPick: (category) => this.take(category),
      onProblem: (error) => this.notices.notify(error.message),
    })
    this.outbox = new Outbox({
      user,
      onChange: () => this.notices.drawUnsent(this.outbox),
      onRefused: (body, message) => this.onRefused(body, message),
      onWaiting: (message) => this.notices.notify(message),
    })
    this.listen(signal, user)
    this.outbox.pump()
  }

  // ---- coming and going ------------------------------------------------------------

  listen(signal, user) {
    document.addEventListener("pointermove", () => this.clock.tick(), { signal })
    window.addEventListener("pagehide", () => this.leave(), { signal })
    window.addEventListener("online", () => this.outbox.retryNow(), { signal })
    const single = this.actions()
    const { actions: paged } = this.pages
    new Controls(this.root, {
      signal,
      user,
      onInput: () => this.clock.tick(),
      onDigit: (digit) => this.pages.isOpen || this.choose(digit - 1),
      actions: () => (this.pages.isOpen ? paged : single),
    })
  }

  /** What keys and buttons do while one listing is on screen. */
  actions() {
    return {
      accept: () => this.accept(),
      correct: () => this.openFinder(),
      reject: () => this.decide("reject", null),
      skip: () => this.decide("skip", null),
      undo: () => this.undo(),
      explain: () => this.stage.explain(),
      zoom: () => this.stage.zoom.turn(),
      flags: () => this.stage.part("flags").focus(),
      "look-alikes": () => this.stage.lookAlikes.focus(),
      previous: () => this.look(-1),
      next: () => this.look(1),
      "previous-photo": () => this.stage.turnPhoto(-1),
      "next-photo": () => this.stage.turnPhoto(1),
      grid: () => this.pages.open(),
      restart: () => this.restart(),
    }
  }

  close() {
    this.ending.abort()
    this.pages.close()
    clearTimeout(this.recheck)
    this.leases.close()
    this.outbox.pump({ leaving: true })
  }

  leave() {
    this.outbox.pump({ leaving: true })
    this.leases.giveAllBack()
  }

  /** Start the queue that the page asks for, unless it is on screen already. */
  async open({ filters, listing }) {
    const asked = JSON.stringify([filters, listing])
    if (asked === this.asked) return
    const changed = this.asked !== undefined
    this.asked = asked
    await this.start(filters, listing)
    if (changed) this.root.focus({ preventScroll: true })
  }

  restart() {
    this.start(this.queue.filters, null)
  }

  async start(filters, listingId) {
    clearTimeout(this.recheck)
    if (listingId) this.pages.close()
    const queue = new Queue(filters, this)
    this.queue = queue
    this.made = []
    this.stage.clear()
    this.notices.showLoading()
    this.leases.keep([], { taken: queue.taken })
    try {
      if (this.pages.isOpen) {
        await this.pages.fill()
        return
      }
      if (listingId) queue.add([await fetchJson(`/api/review/listings/${listingId}`)])
      await queue.loadMore()
      if (queue !== this.queue) return
      const first = listingId ? 0 : queue.first()
      if (first < 0) await this.advance()
      else this.show(first)
    } catch (error) {
      if (queue === this.queue) this.notices.showProblem(error)
    }
  }

  // ---- decisions -------------------------------------------------------------------

  accept() {
    const suggested = this.queue.current?.listing.suggested
    if (suggested) this.decide("accept", suggested)
  }

  choose(position) {
    const choice = this.queue.current?.listing.choices[position]
    if (choice) this.take(choice.category)
  }

  take(category) {
    const suggested = this.queue.current?.listing.suggested
    this.decide(category.id === suggested?.id ? "accept" : "correct", category)
  }

  /** Decide the listing on screen, never one whose picture has not been painted yet. */
  decide(kind, category) {
    const item = this.queue?.current
    if (!item || !item.open || !this.stage.painted) return
    this.keep(item, kind, category, { activeMs: this.clock.tick(), view: "single" })
    this.notices.say(`${KIND_WORDS[kind]}${category ? ` as ${category.path}` : ""}`)
    this.advance()
  }

  /** Send the decision behind the reviewer's back; it can be taken back. */
  keep(item, kind, category, { activeMs, view }) {
    const key = crypto.randomUUID()
    this.outbox.add({
      key,
      listing_id: item.listing.id,
      listing_version: item.version,
      kind,
      category_id: category?.id ?? null,
      active_ms: activeMs,
      shown: { ...shownOf(item.listing, this.queue.filters.policy), view },
    })
    item.decision = { key, kind, category }
    this.leases.forget(item.listing.id)
    if (kind === "skip") {
      this.queue.putOff(item)
    } else {
      this.skipped.remove(item.listing.id)
      item.open = false
      item.version += 1
      this.queue.countOpen(-1)
    }
    this.made.push(item)
  }

  /** Take back the last decision made here, else the one on the listing on screen. */
  undo() {
    this.made = this.made.filter((made) => made.decision)
    const item = this.made.pop() ?? this.queue?.current
    const undone = item && (item.decision ?? lastDecision(item))
    if (!undone) return
    this.takeBack(item, undone)
    this.notices.say(`${KIND_WORDS[undone.kind]}: taken back`)
    this.show(this.queue.items.indexOf(item))
  }

  takeBack(item, undone) {
    this.outbox.add({
      key: crypto.randomUUID(),
      listing_id: item.listing.id,
      listing_version: item.version,
      kind: "undo",
      undoes: undone.key,
    })
    if (undone.kind !== "skip") {
      item.open = true
      item.version += 1
      this.queue.countOpen(1)
      item.listing.state = "needs_review"
    }
    item.listing.history = []
    item.decision = null
    item.again = false
    this.skipped.remove(item.listing.id)
  }

  /** Say that a flag is wrong, or take that back; the listing stays on screen, undecided. */
  async judge(listing, flag, { isWrong, byKey }) {
    const address = `/api/review/photos/${flagName(flag)}`
    try {
      listing.flags = await putJson(address, { is_wrong: isWrong })
      this.notices.say(`${flag.label}: ${isWrong ? "said to be wrong" : "taken back"}`)
    } catch (error) {
      this.notices.notify(error.message)
    }
    if (this.stage.item?.listing !== listing) return
    this.stage.facts.drawFlags(listing)
    if (byKey) this.stage.facts.focusFlag(flag)
  }

  openFinder() {
    const item = this.queue?.current
    if (item?.open && this.stage.painted) {
      this.finder.open(item.listing.choices.map((choice) => choice.category))
    }
  }

  async onRefused(body, message) {
    this.notices.notify(message)
    if (body.kind === "skip") this.skipped.remove(body.listing_id)
    const index = this.queue.items.findIndex((item) => item.listing.id === body.listing_id)
    this.made = this.made.filter((item) => item.decision?.key !== body.key)
    if (index < 0) return
    try {
      this.queue.replace(index, await fetchJson(`/api/review/listings/${body.listing_id}`))
    } catch {
      return // it stays as it was; the notice has said what happened
    }
    if (index === this.queue.index && !this.pages.isOpen) this.show(index)
  }

  // ---- what comes next -------------------------------------------------------------

  async advance() {
    const queue = this.queue
    let index = queue.nextOpen()
    while (index < 0 && !queue.ended) {
      this.stage.clear()
      this.notices.showLoading()
      try {
        await queue.loadMore()
      } catch (error) {
        this.notices.showProblem(error)
        this.recheck = setTimeout(() => this.advanceAgain(queue), RELOAD_MS)
        return
      }
      if (queue !== this.queue || this.pages.isOpen) return
      index = queue.nextOpen()
    }
    this.show(index < 0 ? queue.items.length : index)
  }

  /** After a failure: go on where it stopped, unless something else is on screen by now. */
  advanceAgain(queue) {
    if (queue === this.queue && !this.stage.item && !this.pages.isOpen) this.advance()
  }

  look(step) {
    const index = this.queue.index + step
    if (index >= 0 && index < this.queue.items.length) this.show(index)
    else if (step > 0) this.advance()
  }

  show(index) {
    const { queue } = this
    queue.index = index
    this.notices.drawRemaining(queue)
    const item = queue.current
    if (!item) {
      this.showEnd()
      return
    }
    this.clock.restart()
    const ahead = queue.ahead()
    this.stage.prefetch(ahead)
    this.hold()
    if (ahead.length <= PAGE_SIZE) {
      queue.loadMore().then(() => this.onLoaded(queue), () => {}) // advance() retries
    }
    this.stage.show(item, { canUndo: this.made.length > 0 || lastDecision(item) !== undefined })
  }

  /** Hold what came, and load its photos. */
  onLoaded(queue) {
    if (queue !== this.queue || this.pages.isOpen) return
    this.hold()
    this.stage.prefetch(queue.ahead())
  }

  /** Hold what is on screen and all that was taken for afterwards. */
  hold() {
    this.leases.keep(this.queue.wanted(), { taken: this.queue.taken })
  }

  /** Somebody else has these: pass them by, and say so of the one on screen. */
  onHeld(holders) {
    for (const { listing_id, by } of holders) {
      const item = this.queue.items.find((each) => each.listing.id === listing_id)
      if (!item || item.held) continue
      item.held = true
      if (this.pages.isOpen) {
        this.pages.onHeld(item, by)
      } else if (item === this.queue.current) {
        this.notices.notify(`${by} is looking at this listing, too, and comes first.`)
      }
    }
  }

  showEnd() {
    this.stage.clear()
    this.leases.keep([], { taken: this.queue.taken })
    const putOff = this.queue.items.filter((item) => item.open && item.skipped).length
    this.notices.showEnd({ putOff, decided: this.made.length > 0 })
    if (!putOff) this.recheckLater()
  }

  recheckLater() {
    const queue = this.queue
    this.recheck = setTimeout(async () => {
      if (queue !== this.queue || queue.current || this.pages.isOpen) return
      queue.after = null
      queue.ended = false
      const found = await queue.loadMore().catch(() => false)
      if (queue !== this.queue || this.pages.isOpen) return
      if (queue.current === undefined) this.recheckLater()
      else if (found) this.show(queue.index)
    }, RECHECK_MS)
  }
}
