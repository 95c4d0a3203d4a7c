// The review workstation. One listing at a time, one key a decision.
//
// A decision is shown at once and sent behind the reviewer's back; until the server has
// acknowledged it, it stays in the outbox and in localStorage. Text from the catalog only
// ever enters the page as textContent.

const PAGE_SIZE = 12
const PREFETCH = 8
const IDLE_MS = 30_000
const RECHECK_MS = 4_000
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000]
const EXPLANATION_POLL_MS = 400
const EXPLANATION_LIMIT_MS = 90_000
const NOTICE_MS = 8_000
const UNSENT_PREFIX = "catalens.unsent."
const OPEN_STATES = ["needs_review", "auto_accepted"]

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

const KIND_WORDS = { accept: "Accepted", correct: "Corrected", reject: "Rejected", skip: "Skipped" }
const KIND_STATES = { accept: "accepted", correct: "corrected", reject: "rejected" }
const STATE_WORDS = {
  auto_accepted: "Accepted by itself",
  accepted: "Accepted",
  corrected: "Corrected",
  rejected: "Rejected",
  published: "Published",
  received: "Waiting for the models",
  processing: "Waiting for the models",
}

const leaf = (path) => path.split(" > ").at(-1)
const percent = (probability) => `${Math.round(probability * 100)}%`
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve))

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function button(className, onClick) {
  const made = element("button", className)
  made.type = "button"
  made.onclick = onClick
  return made
}

async function fetchJson(address) {
  const response = await fetch(address)
  const body = await response.json()
  if (!response.ok) throw new Error(body.message ?? `the server answered ${response.status}`)
  return body
}

/** Decisions on their way. Each listing's are sent in order, those of others side by side. */
class Outbox {
  constructor({ onChange, onRefused }) {
    this.entries = new Map()
    this.failures = 0
    this.onChange = onChange
    this.onRefused = onRefused
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
      this.failures = 0
      this.remove(entry)
      if (!response.ok) this.onRefused(entry.body, (await response.json()).message)
      this.pump()
    } catch {
      entry.inFlight = false
      this.retryLater()
    }
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

/** Photos that are loaded and decoded before they are needed. */
class Photos {
  constructor() {
    this.loaded = new Map()
  }

  /** Return {img, ready}; `ready` turns true once decoding is over, `failed` if it failed. */
  load(sha256) {
    let photo = this.loaded.get(sha256)
    if (!photo) {
      const img = element("img")
      img.src = `/api/images/${sha256}/view`
      photo = { img, ready: false, failed: false }
      photo.done = img
        .decode()
        .catch(() => (photo.failed = true))
        .then(() => (photo.ready = true))
      this.loaded.set(sha256, photo)
    }
    return photo
  }

  keepOnly(sha256s) {
    for (const known of this.loaded.keys()) if (!sha256s.has(known)) this.loaded.delete(known)
  }
}

/** The listings in the order they come, and where the reviewer is among them. */
class Queue {
  constructor(filters) {
    this.filters = filters
    this.items = []
    this.index = 0
    this.after = null
    this.ended = false
    this.remaining = 0
  }

  get current() {
    return this.items[this.index]
  }

  /** Load the next page; return whether anything new came. */
  async loadMore() {
    if (this.ended) return false
    this.loading ??= this.loadPage().finally(() => (this.loading = null))
    return this.loading
  }

  async loadPage() {
    const asked = new URLSearchParams({ ...this.filters, limit: PAGE_SIZE })
    if (this.after) {
      asked.set("after_doubt", this.after[0])
      asked.set("after_id", this.after[1])
    }
    const page = await fetchJson(`/api/review/next?${asked}`)
    if (!this.after) this.remaining = page.remaining
    const known = new Set(this.items.map((item) => item.listing.id))
    const fresh = page.listings.filter((listing) => !known.has(listing.id))
    this.items.push(...fresh.map(makeItem))
    this.after = page.after
    this.ended = page.after === null
    return fresh.length > 0
  }

  /** Index of the next listing to decide, -1 when none is loaded. */
  nextOpen() {
    return this.items.findIndex((item, index) => index > this.index && item.open && !item.skipped)
  }

  ahead() {
    return this.items.slice(this.index, this.index + PREFETCH + 1)
  }
}

function makeItem(listing) {
  return {
    listing,
    version: listing.version,
    open: OPEN_STATES.includes(listing.state),
    skipped: false,
    decision: null, // {key, kind, category} made here
  }
}

/** Time the reviewer was at it; a pause counts for no more than IDLE_MS. */
class Clock {
  restart() {
    this.total = 0
    this.last = performance.now()
  }

  tick() {
    const now = performance.now()
    this.total += Math.min(now - this.last, IDLE_MS)
    this.last = now
    return Math.round(this.total)
  }
}

class Screen {
  constructor(root) {
    this.root = root
    this.photos = new Photos()
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
    this.ending = new AbortController()
    const options = { signal: this.ending.signal }
    document.addEventListener("keydown", (event) => this.onKey(event), options)
    document.addEventListener("pointermove", () => this.clock.tick(), options)
    window.addEventListener("pagehide", () => this.outbox.pump({ leaving: true }), options)
    window.addEventListener("online", () => this.outbox.retryNow(), options)
    this.root.addEventListener("click", (event) => this.onClick(event), options)
    this.part("finder-input").addEventListener("input", () => this.searchCategories(), options)
    this.part("finder-input").addEventListener("keydown", (e) => this.onFinderKey(e), options)
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
      g: () => this.toggleExplanation(),
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
      explain: () => this.toggleExplanation(),
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
      this.queue.remaining -= 1
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
      this.queue.remaining += 1
      item.listing.state = "needs_review"
    }
    item.listing.history = []
    item.decision = null
    item.skipped = false
    this.say(`${KIND_WORDS[undone.kind]}: taken back`)
    this.show(this.queue.items.indexOf(item))
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
    this.drawFacts(item)
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
    this.hideExplanation()
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
    this.drawModels(item.listing)
    this.drawPhoto(item)
  }

  drawFacts(item) {
    const { listing } = item
    this.part("title").textContent = listing.title || listing.sku
    this.part("about").textContent = aboutOf(listing)
    const suggested = listing.suggested
    this.part("suggested").textContent = suggested ? leaf(suggested.path) : "none"
    this.part("suggested-path").textContent = suggested
      ? `${suggested.path} · ${percent(1 - listing.doubt)} sure on average`
      : "No model is in use: choose a category yourself with E."
    this.drawDecided(item)
    this.drawClaimed(listing)
    this.drawFlags(listing)
    this.drawModels(listing)
    this.drawButtons(item)
  }

  drawDecided(item) {
    const done = item.decision ?? lastDecision(item)
    const part = this.part("decided")
    part.hidden = item.open && !item.skipped
    if (part.hidden) return
    const word = done ? KIND_WORDS[done.kind] : (STATE_WORDS[item.listing.state] ?? "")
    const category = done?.category ? ` as ${leaf(done.category.path)}` : ""
    const by = done?.by ? ` by ${done.by}` : ""
    const more = item.skipped ? "You can still decide it." : done ? "Z takes it back." : ""
    part.textContent = `${word}${category}${by}. ${more}`
  }

  drawClaimed(listing) {
    const part = this.part("claimed")
    part.hidden = !listing.claimed
    if (!listing.claimed) return
    const same = listing.claimed.id === listing.suggested?.id
    const words = element("span", "muted", same ? "The seller says the same" : "The seller says ")
    part.className = same ? "claimed same" : "claimed other"
    part.replaceChildren(words)
    if (!same) part.append(this.choiceButton(listing, listing.claimed, "chip"))
  }

  drawFlags(listing) {
    this.part("flags").hidden = listing.flags.length === 0
    this.part("flags").replaceChildren(
      ...listing.flags.map((flag) => {
        const row = element("li", `flag ${flag.severity}`)
        row.append(element("strong", "", flag.label), element("span", "", flag.reason))
        return row
      }),
    )
  }

  drawModels(listing) {
    const opinions = listing.photos[this.photoIndex ?? 0]?.opinions ?? []
    this.part("models").replaceChildren(
      ...opinions.map((opinion) => this.modelCard(listing, opinion)),
    )
    if (!opinions.length && listing.photos.length) {
      this.part("models").append(element("p", "muted", "No model has looked at this photo."))
    }
  }

  modelCard(listing, opinion) {
    const card = element("section", "model")
    card.setAttribute("aria-label", opinion.arch)
    const head = element("header")
    const look = button("quiet", () => this.explain(opinion))
    look.textContent = "Grad-CAM"
    look.dataset.prediction = opinion.prediction_id
    look.setAttribute("aria-pressed", "false")
    look.setAttribute("aria-label", `Grad-CAM of ${opinion.arch}`)
    head.append(element("h3", "", opinion.arch), look)
    const rows = opinion.top.map((suggestion) => this.bar(listing, suggestion))
    card.append(head, ...rows)
    return card
  }

  bar(listing, { category, probability }) {
    const row = this.choiceButton(listing, category, "bar")
    row.style.setProperty("--share", probability)
    row.append(element("span", "value", percent(probability)))
    return row
  }

  /** A category to click on, with its number if it has one. */
  choiceButton(listing, category, className) {
    const made = button(className, () => this.take(category))
    const position = listing.choices.findIndex((choice) => choice.category.id === category.id)
    made.append(element("kbd", position < 0 ? "none" : "", position < 0 ? "" : position + 1))
    made.append(element("span", "name", leaf(category.path)))
    made.title = category.path
    made.setAttribute("aria-label", `Decide: ${category.path}`)
    return made
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
      const words = "New listings appear here by themselves as soon as the models are through."
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

  // ---- Grad-CAM --------------------------------------------------------------------

  toggleExplanation() {
    if (this.explained) {
      this.hideExplanation()
      return
    }
    const item = this.queue?.current
    const opinion = item?.listing.photos[this.photoIndex]?.opinions[0]
    if (opinion) this.explain(opinion)
  }

  async explain(opinion) {
    const again = this.explained === opinion.prediction_id
    this.hideExplanation()
    if (again) return
    this.explained = opinion.prediction_id
    this.pressExplanation(true)
    this.showBadge(`Grad-CAM of ${opinion.arch}: being drawn…`)
    try {
      const address = await this.waitForExplanation(opinion.prediction_id)
      if (this.explained !== opinion.prediction_id) return
      const img = element("img", "overlay")
      img.alt = `Grad-CAM of ${opinion.arch}`
      img.src = address
      await img.decode()
      if (this.explained !== opinion.prediction_id) return
      this.part("frame").append(img)
      this.showBadge(`Grad-CAM of ${opinion.arch} for ${leaf(opinion.top[0].category.path)}`)
    } catch (error) {
      if (this.explained === opinion.prediction_id) this.showBadge(`Grad-CAM: ${error.message}`)
    }
  }

  /** Ask until the worker has drawn it; return the address of the picture. */
  async waitForExplanation(predictionId) {
    const address = `/api/explanations/${predictionId}`
    const until = performance.now() + EXPLANATION_LIMIT_MS
    while (performance.now() < until && this.explained === predictionId) {
      const response = await fetch(address)
      if (response.status === 200) return address
      if (response.status !== 202) throw new Error((await response.json()).message)
      await wait(EXPLANATION_POLL_MS)
    }
    throw new Error("the worker has not drawn it; is it running?")
  }

  hideExplanation() {
    this.pressExplanation(false)
    this.explained = null
    this.part("badge").hidden = true
    this.root.querySelector(".overlay")?.remove()
  }

  pressExplanation(pressed) {
    const all = `[data-action="explain"], [data-prediction="${this.explained}"]`
    for (const each of this.root.querySelectorAll(all)) {
      each.setAttribute("aria-pressed", String(pressed))
    }
  }

  showBadge(words) {
    this.part("badge").textContent = words
    this.part("badge").hidden = false
  }

  // ---- all categories --------------------------------------------------------------

  openFinder() {
    const item = this.queue?.current
    if (!item?.open || !this.painted) return
    this.part("finder-input").value = ""
    this.part("finder").showModal()
    this.searchCategories()
  }

  async searchCategories() {
    const words = this.part("finder-input").value.trim()
    const likely = this.queue.current.listing.choices.map((choice) => choice.category)
    const asked = (this.search = Symbol("search"))
    const fits = (path) =>
      words.toLowerCase().split(/\s+/).every((word) => path.toLowerCase().includes(word))
    const first = likely.filter((category) => fits(category.path))
    this.drawOptions(first)
    try {
      const found = await fetchJson(`/api/categories?q=${encodeURIComponent(words)}`)
      if (asked !== this.search) return
      const known = new Set(first.map((category) => category.id))
      this.drawOptions([...first, ...found.filter((category) => !known.has(category.id))])
    } catch (error) {
      if (asked === this.search) this.notify(error.message)
    }
  }

  drawOptions(categories) {
    this.options = categories
    const rows = categories.map((category, index) => {
      const row = element("li", "option")
      row.id = `finder-option-${index}`
      row.setAttribute("role", "option")
      row.append(element("span", "name", leaf(category.path)))
      row.append(element("span", "muted", category.path))
      row.onclick = () => this.pick(index)
      return row
    })
    this.part("finder-options").replaceChildren(...rows)
    if (!rows.length) {
      this.part("finder-options").append(element("li", "muted", "No category has these words."))
    }
    this.mark(0)
  }

  mark(index) {
    this.marked = Math.max(0, Math.min(index, this.options.length - 1))
    this.part("finder-input").setAttribute("aria-activedescendant", `finder-option-${this.marked}`)
    this.part("finder-options").querySelectorAll(".option").forEach((row, position) => {
      row.setAttribute("aria-selected", String(position === this.marked))
      if (position === this.marked) row.scrollIntoView({ block: "nearest" })
    })
  }

  onFinderKey(event) {
    const actions = {
      ArrowDown: () => this.mark(this.marked + 1),
      ArrowUp: () => this.mark(this.marked - 1),
      Enter: () => this.pick(this.marked),
    }
    if (!actions[event.key]) return
    event.preventDefault()
    actions[event.key]()
  }

  pick(index) {
    const category = this.options[index]
    if (!category) return
    this.part("finder").close()
    this.take(category)
  }
}

function shownOf(listing) {
  const opinions = listing.photos.flatMap((photo) => photo.opinions)
  return {
    suggestions: listing.choices.map((choice) => choice.category.id),
    model_versions: [...new Set(opinions.map((opinion) => opinion.model_version_id))],
    flags: [...new Set(listing.flags.map((flag) => flag.kind))],
  }
}

/** The decision that stands on a listing as it came from the server. */
function lastDecision({ listing, open }) {
  if (open) return undefined
  return listing.history.findLast((past) => past.kind in KIND_STATES && !past.undone)
}

function aboutOf(listing) {
  const price = listing.price === null ? "" : Number(listing.price).toFixed(2)
  const sku = listing.title ? listing.sku : ""
  return [sku, listing.brand, listing.seller, price, listing.batch_name].filter(Boolean).join(" · ")
}

const screens = new WeakMap()

export default function ({ parentElement, data }) {
  let screen = screens.get(parentElement)
  if (!screen) {
    screen = new Screen(parentElement.querySelector(".review"))
    screens.set(parentElement, screen)
  }
  screen.open(data)
  return () => {
    screen.close()
    screens.delete(parentElement)
  }
}
