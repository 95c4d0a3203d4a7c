const RECHECK_MS = 4_000
const NOTICE_MS = 8_000

const KEYS = [
  ["A", "Accept the suggested category"],
  ["1–9", "Take the category with that number"],
  ["E", "Choose any other category"],
  ["X", "Reject the listing"],
  ["Space", "Skip it for now"],
  ["Z", "Undo the last decision"],
  ["← →", "Look at other listings without deciding"],
  ["↑ ↓", "Other photos of this listing"],
  ["G", "What the model looked at (Grad-CAM)"],
  ["F", "Go to the flags"],
  ["H", "These keys"],
]

/** The workstation as a whole: keys, decisions, and what is on screen. */
class Screen {
  constructor(root) {
    this.root = root
    this.ending = new AbortController()
    this.photos = new Photos()
    this.explanation = new Explanation(root)
    this.facts = new Facts(root, {
      onTake: (category) => this.take(category),
      onExplain: (opinion) => this.explanation.show(opinion),
    })
    this.finder = new Finder(root, {
      signal: this.ending.signal,
      onPick: (category) => this.take(category),
      onProblem: (error) => this.notify(error.message),
    })
    this.clock = new Clock()
    this.made = [] // items decided here, latest last: what Z takes back
    this.painted = false
    this.outbox = new Outbox({
      onChange: () => this.drawUnsent(),
      onRefused: (body, message) => this.onRefused(body, message),
    })
    this.listen()
    this.outbox.pump()
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  // ---- coming and going ------------------------------------------------------------

  listen() {
    const options = { signal: this.ending.signal }
    document.addEventListener("keydown", (event) => this.onKey(event), options)
    document.addEventListener("pointermove", () => this.clock.tick(), options)
    window.addEventListener("pagehide", () => this.outbox.pump({ leaving: true }), options)
    window.addEventListener("online", () => this.outbox.retryNow(), options)
    this.root.addEventListener("click", (event) => this.onClick(event), options)
    this.part("keys").replaceChildren(
      ...KEYS.flatMap(([key, words]) => {
        const name = element("dt")
        name.append(element("kbd", "", key))
        return [name, element("dd", "", words)]
      }),
    )
  }

  close() {
    this.ending.abort()
    clearTimeout(this.recheck)
    this.outbox.pump({ leaving: true })
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

  async start(filters, listingId) {
    clearTimeout(this.recheck)
    const queue = new Queue(filters)
    this.queue = queue
    this.made = []
    this.showMessage("Loading…", "", null)
    try {
      if (listingId) queue.items.push(makeItem(await fetchJson(`/api/review/listings/${listingId}`)))
      await queue.loadMore()
      if (queue === this.queue) this.show(0)
    } catch (error) {
      if (queue === this.queue) this.showProblem(error)
    }
  }

  // ---- keys and clicks -------------------------------------------------------------

  onKey(event) {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return
    const target = event.composedPath()[0]
    if (target.closest?.("input, textarea, select, [contenteditable=true]")) return
    if (document.querySelector("[role=dialog], dialog[open]")) return
    if (this.root.querySelector("dialog[open]")) return
    if (event.key === " " && target.closest?.("button, a, summary")) return
    const act = this.actionOf(event.key.toLowerCase())
    if (!act) return
    event.preventDefault()
    this.clock.tick()
    act()
  }

  actionOf(key) {
    if (/^[1-9]$/.test(key)) return () => this.choose(Number(key) - 1)
    const actions = {
      a: () => this.accept(),
      e: () => this.openFinder(),
      x: () => this.decide("reject", null),
      " ": () => this.decide("skip", null),
      z: () => this.undo(),
      g: () => this.explain(),
      f: () => this.part("flags").focus(),
      h: () => this.part("help").showModal(),
      arrowleft: () => this.look(-1),
      arrowright: () => this.look(1),
      arrowup: () => this.turnPhoto(-1),
      arrowdown: () => this.turnPhoto(1),
    }
    return actions[key]
  }

  onClick(event) {
    const pressed = event.target.closest("[data-action]")
    if (!pressed) return
    if (event.detail > 0) pressed.blur() // so that Space skips, and does not press it again
    const actions = {
      accept: () => this.accept(),
      correct: () => this.openFinder(),
      reject: () => this.decide("reject", null),
      skip: () => this.decide("skip", null),
      undo: () => this.undo(),
      explain: () => this.explain(),
      previous: () => this.look(-1),
      next: () => this.look(1),
      help: () => this.part("help").showModal(),
      "close-help": () => this.part("help").close(),
      restart: () => this.start(this.queue.filters, null),
    }
    actions[pressed.dataset.action]()
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
    if (!item || !item.open || !this.painted) return
    const key = crypto.randomUUID()
    this.outbox.add({
      key,
      listing_id: item.listing.id,
      listing_version: item.version,
      kind,
      category_id: category?.id ?? null,
      active_ms: this.clock.tick(),
      shown: shownOf(item.listing),
    })
    item.decision = { key, kind, category }
    item.skipped = kind === "skip"
    if (kind !== "skip") {
      item.open = false
      item.version += 1
      this.queue.countOpen(-1)
    }
    this.made.push(item)
    this.say(`${KIND_WORDS[kind]}${category ? ` as ${category.path}` : ""}`)
    this.advance()
  }

  /** Take back the last decision made here, else the one on the listing on screen. */
  undo() {
    this.made = this.made.filter((made) => made.decision)
    const item = this.made.pop() ?? this.queue?.current
    const undone = item && (item.decision ?? lastDecision(item))
    if (!undone) return
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
    item.skipped = false
    this.say(`${KIND_WORDS[undone.kind]}: taken back`)
    this.show(this.queue.items.indexOf(item))
  }

  openFinder() {
    const item = this.queue?.current
    if (item?.open && this.painted) {
      this.finder.open(item.listing.choices.map((choice) => choice.category))
    }
  }

  explain() {
    const item = this.queue?.current
    this.explanation.toggle(item?.listing.photos[this.photoIndex]?.opinions[0])
  }

  async onRefused(body, message) {
    this.notify(message)
    const index = this.queue.items.findIndex((item) => item.listing.id === body.listing_id)
    this.made = this.made.filter((item) => item.decision?.key !== body.key)
    if (index < 0) return
    try {
      this.queue.items[index] = makeItem(await fetchJson(`/api/review/listings/${body.listing_id}`))
    } catch {
      return // it stays as it was; the notice has said what happened
    }
    if (index === this.queue.index) this.show(index)
  }

  async advance() {
    const queue = this.queue
    let index = queue.nextOpen()
    while (index < 0 && !queue.ended) {
      this.painted = false
      this.showMessage("Loading…", "", null)
      try {
        await queue.loadMore()
      } catch (error) {
        this.showProblem(error)
        return
      }
      if (queue !== this.queue) return
      index = queue.nextOpen()
    }
    this.show(index < 0 ? queue.items.length : index)
  }

  look(step) {
    const index = this.queue.index + step
    if (index >= 0 && index < this.queue.items.length) this.show(index)
    else if (step > 0) this.advance()
  }

  // ---- drawing ---------------------------------------------------------------------

  async show(index) {
    const queue = this.queue
    queue.index = index
    this.painted = false
    delete this.root.dataset.listing
    this.drawStatus()
    const item = queue.current
    if (!item) {
      this.showEnd()
      return
    }
    this.photoIndex = 0
    this.clock.restart()
    this.part("message").hidden = true
    this.part("stage").hidden = false
    this.part("actions").hidden = false
    this.facts.draw(item)
    this.drawButtons(item)
    this.prefetch()
    await this.drawPhoto(item)
  }

  prefetch() {
    const ahead = this.queue.ahead()
    const shas = ahead.flatMap((item) => item.listing.photos.slice(0, 1).map((p) => p.sha256))
    this.photos.keepOnly(new Set(shas))
    for (const sha256 of shas) this.photos.load(sha256)
    if (ahead.length <= PREFETCH) this.queue.loadMore().catch(() => {}) // tried again by advance()
  }

  /** Put the photo into the frame; the listing may be decided once that has been painted. */
  async drawPhoto(item) {
    this.explanation.hide()
    this.drawStrip(item)
    const photo = item.listing.photos[this.photoIndex]
    const frame = this.part("frame")
    const current = () => this.queue.current === item && item.listing.photos[this.photoIndex] === photo
    if (!photo || photo.problem) {
      frame.replaceChildren(element("p", "unreadable", photo?.problem ?? "This listing has no photo."))
    } else {
      const loaded = this.photos.load(photo.sha256)
      if (!loaded.ready) {
        frame.replaceChildren(element("p", "loading", "Loading the photo…"))
        await loaded.done
        if (!current()) return
      }
      loaded.img.alt = item.listing.title || photo.file_name
      frame.replaceChildren(
        loaded.failed ? element("p", "unreadable", "This photo cannot be shown.") : loaded.img,
      )
    }
    await nextFrame()
    if (current()) {
      this.painted = true
      this.root.dataset.listing = item.listing.id
    }
  }

  drawStrip(item) {
    const photos = item.listing.photos
    this.part("strip").hidden = photos.length < 2
    this.part("strip").replaceChildren(
      ...photos.map((photo, index) => {
        const thumb = button("thumb", () => this.turnPhoto(index - this.photoIndex))
        const img = element("img")
        img.src = `/api/images/${photo.sha256}/thumb`
        img.alt = `Photo ${index + 1} of ${photos.length}`
        thumb.append(img)
        thumb.setAttribute("aria-pressed", String(index === this.photoIndex))
        return thumb
      }),
    )
  }

  turnPhoto(step) {
    const item = this.queue?.current
    const index = (this.photoIndex ?? 0) + step
    if (!item || !item.listing.photos[index]) return
    this.photoIndex = index
    this.facts.drawModels(item.listing, index)
    this.drawPhoto(item)
  }

  drawButtons(item) {
    const set = (action, enabled) => {
      this.root.querySelector(`.actions [data-action="${action}"]`).disabled = !enabled
    }
    set("accept", item.open && item.listing.suggested !== null)
    for (const action of ["correct", "reject", "skip"]) set(action, item.open)
    set("undo", this.made.length > 0 || lastDecision(item) !== undefined)
    set("explain", item.listing.photos.some((photo) => photo.opinions.length > 0))
  }

  drawStatus() {
    const { filters, remaining } = this.queue
    const words = filters.state ? "shown" : "to review"
    this.part("remaining").textContent = `${Math.max(0, remaining).toLocaleString("en")} ${words}`
  }

  drawUnsent() {
    const part = this.part("unsent")
    const stuck = this.outbox.failures > 0
    part.hidden = !stuck
    if (stuck) part.textContent = `${this.outbox.size} not saved yet, trying again…`
    this.root.dataset.unsent = this.outbox.size
  }

  showMessage(title, text, action) {
    this.part("stage").hidden = true
    this.part("actions").hidden = action !== "undo"
    this.part("message").hidden = false
    this.part("message-title").textContent = title
    this.part("message-text").textContent = text
    this.part("message-button").hidden = action === null || action === "undo"
    this.part("message-button").textContent = action ?? ""
  }

  showProblem(error) {
    this.showMessage("This did not work", error.message, "Try again")
  }

  showEnd() {
    const skipped = this.queue.items.filter((item) => item.skipped && item.open).length
    if (skipped) {
      const listings = skipped === 1 ? "1 listing was" : `${skipped} listings were`
      this.showMessage("That was the last one", `${listings} skipped.`, "Go through them again")
    } else if (this.made.length) {
      this.showMessage("All done", "Nothing is left in this queue.", "Look for more")
    } else {
      const words =
        "New listings appear here by themselves as soon as the models are through. " +
        "The filters above may hide others."
      this.showMessage("Nothing to review here", words, null)
    }
    if (this.made.length) this.drawEndUndo()
    if (!skipped) this.recheckLater()
  }

  /** At the end of the queue the last decision can still be taken back. */
  drawEndUndo() {
    this.part("actions").hidden = false
    for (const each of this.root.querySelectorAll(".actions button")) {
      each.disabled = each.dataset.action !== "undo"
    }
  }

  recheckLater() {
    const queue = this.queue
    this.recheck = setTimeout(async () => {
      if (queue !== this.queue || queue.current) return
      queue.after = null
      queue.ended = false
      const found = await queue.loadMore().catch(() => false)
      if (queue !== this.queue || queue.current === undefined) {
        if (queue === this.queue) this.recheckLater()
        return
      }
      if (found) this.show(queue.index)
    }, RECHECK_MS)
  }

  notify(words) {
    const part = this.part("notice")
    part.textContent = words
    part.hidden = false
    clearTimeout(this.noticeTimer)
    this.noticeTimer = setTimeout(() => (part.hidden = true), NOTICE_MS)
  }

  say(words) {
    this.part("spoken").textContent = words
  }
}
