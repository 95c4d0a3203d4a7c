// The grid of what is found, asked for at /api/search, page by page.

const BUSY_MS = 150 // what takes longer is seen to be under way
const AGAIN_MS = 300 // between looks for a photo that the worker has not looked at yet
const MANY_LOOKS = 40
const GONE = 404
const REFUSED = 422

class Results {
  constructor(root, { signal, onSeek }) {
    this.root = root
    this.onSeek = onSeek
    this.query = null
    this.handed = null // the photo or part that is searched by, as the server knows it
    this.page = 0 // the one asked for last
    this.asked = new AbortController() // ends the search that is under way
    signal.addEventListener("abort", () => this.asked.abort())
    const on = (target, name, act) => target.addEventListener(name, act, { signal })
    on(root, "click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action
      if (action) TURNS[action](this)
    })
    on(this.part("varied"), "change", ({ target }) =>
      onSeek({ ...this.query, varied: target.checked }, this.query.subject),
    )
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  button(action) {
    return this.root.querySelector(`[data-action="${action}"]`)
  }

  /** What is searched by next was just handed in: whatever was known of it is out of date. */
  expect(handed) {
    this.handed = handed
    this.query = null
  }

  /** Show what the query finds, from its first page; the same query changes nothing. */
  show(query) {
    const isKnown = this.query !== null && keyOf(query) === keyOf(this.query)
    if (this.query && subjectOf(query) !== subjectOf(this.query)) this.handed = null
    this.query = query
    this.drawHeader()
    if (!isKnown) this.search(0)
  }

  drawHeader() {
    const { photo, listing, region, varied, subject } = this.query
    this.part("header").hidden = !photo && !listing
    const name = subject ? subject.name : photo ? "your photo" : `listing ${listing}`
    this.part("name").textContent = `Most like ${region && subject ? "a part of " : ""}${name}`
    this.part("varied").checked = Boolean(varied)
    this.part("open").hidden = !subject
    this.part("open").href = `/listing?id=${listing}`
  }

  async search(page) {
    this.asked.abort()
    const { signal } = (this.asked = new AbortController())
    const busy = setTimeout(() => this.drawBusy(), BUSY_MS)
    this.page = page
    this.part("problem").hidden = true
    try {
      const found = await this.find(page, signal)
      if (!signal.aborted) this.draw(found)
    } catch (error) {
      if (!signal.aborted) this.fail(error)
    } finally {
      clearTimeout(busy)
      if (!signal.aborted) this.part("cards").removeAttribute("aria-busy")
    }
  }

  async find(page, signal) {
    const { photo, listing, region, varied, filters } = this.query
    const isHanded = photo || (listing && region)
    const sought = isHanded ? { photo: await this.findHanded(signal) } : listing ? { listing } : {}
    const asked = { ...filters, ...sought, varied: Boolean(varied), page }
    return ask(`/api/search?${new URLSearchParams(asked)}`, { signal })
  }

  /** Return the id of the photo or part, once the worker has looked at it. */
  async findHanded(signal) {
    const { photo, listing, region } = this.query
    const part = new URLSearchParams({ region })
    let handed =
      this.handed ??
      (photo
        ? await ask(`/api/search/photos/${photo}`, { signal })
        : await ask(`/api/search/listings/${listing}?${part}`, { method: "POST", signal }))
    for (let looks = 1; handed.state === "pending"; looks += 1) {
      this.tellWaiting(looks)
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      handed = await ask(`/api/search/photos/${handed.id}`, { signal })
    }
    if (!signal.aborted) this.handed = handed
    if (handed.error) {
      const words = `${asSentence(handed.error)} Choose another photo.`
      throw Object.assign(new Error(words), { status: REFUSED })
    }
    return handed.id
  }

  tellWaiting(looks) {
    this.clear()
    this.tell(
      looks < MANY_LOOKS
        ? "The worker is looking at the photo…"
        : "No worker has looked at the photo so far. Is one running? What is found appears here.",
    )
  }

  draw(found) {
    const last = Math.max(0, Math.ceil(found.total / this.query.a_page) - 1)
    if (found.page > last) {
      this.search(last) // the others are gone since
      return
    }
    this.tell(found.total ? summarise(found) : this.tellNothing())
    const onAlike = (hit) => this.seekAlike(hit)
    this.part("cards").replaceChildren(...found.hits.map((hit) => makeCard(hit, onAlike)))
    this.part("pager").hidden = !last
    this.part("place").textContent = `Page ${found.page + 1} of ${last + 1}`
    this.button("back").disabled = !found.page
    this.button("on").disabled = found.page >= last
  }

  drawBusy() {
    this.part("cards").setAttribute("aria-busy", "true")
    if (!this.part("cards").children.length && !this.part("told").textContent) {
      this.tell("Searching…")
    }
  }

  /** Say how it stands; words that stand there already are not said again. */
  tell(words) {
    if (this.part("told").textContent !== words) this.part("told").textContent = words
  }

  tellNothing() {
    if (Object.keys(this.query.filters).length) return "Nothing fits. Take a filter away."
    if (this.query.photo || this.query.listing) return "There is nothing else to compare it with yet."
    return "There are no listings yet. Upload photos, and they are found here."
  }

  clear() {
    this.part("cards").replaceChildren()
    this.part("pager").hidden = true
  }

  fail(error) {
    this.clear()
    this.tell("")
    this.part("reason").textContent = asSentence(error.message)
    this.button("again").hidden = [GONE, REFUSED].includes(error.status)
    this.part("problem").hidden = false
    this.handed = null
  }

  seekAlike(hit) {
    const subject = { name: nameOf(hit), src: viewOf(hit) }
    this.onSeek({ listing: hit.listing_id, varied: true }, subject)
    this.look(this.root.parentElement)
  }

  turn(step) {
    this.search(this.page + step)
    this.look(this.root)
  }

  /** Go to where what was asked for begins, with the keyboard's focus, too. */
  look(place) {
    this.part("told").focus({ preventScroll: true })
    place.scrollIntoView({ block: "start" })
  }
}

const TURNS = {
  clear: (results) => {
    results.onSeek({})
    results.look(results.root.parentElement)
  },
  again: (results) => {
    results.part("told").focus({ preventScroll: true })
    results.search(results.page)
  },
  back: (results) => results.turn(-1),
  on: (results) => results.turn(1),
}

const subjectOf = ({ photo, listing, region }) => JSON.stringify([photo, listing, region])

const keyOf = (query) => JSON.stringify([subjectOf(query), Boolean(query.varied), query.filters])

function summarise(found) {
  const listings = count(found.total, "listing")
  const photos = count(found.indexed, "photo")
  const waiting = found.waiting ? ` · ${count(found.waiting, "photo")} not looked at yet` : ""
  return `${listings} · ${photos} searched in ${found.took_ms.toLocaleString("en")} ms${waiting}.`
}
