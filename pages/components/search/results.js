// The grid of what is found, asked for at /api/search, page by page.

const A_PAGE = 24 // as many as the server sends
const BUSY_MS = 150 // what takes longer is seen to be under way
const AGAIN_MS = 300 // between looks for a photo that the worker has not looked at yet
const MANY_LOOKS = 40
const REFUSED = 422 // the server's for what cannot be searched by
const NOT_YET = 409 // the worker has not looked at the listing

class Results {
  constructor(root, { onSeek, onAlike }) {
    this.root = root
    this.onSeek = onSeek
    this.onAlike = onAlike
    this.query = null
    this.asked = new AbortController() // ends the search that is under way
    root.addEventListener("click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action
      if (action) TURNS[action](this)
    })
    this.part("varied").addEventListener("change", ({ target }) => {
      const { photo, listing, region } = this.query
      this.onSeek({ photo, listing, region, varied: target.checked })
    })
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  /** Show what the query finds, from its first page; the same query changes nothing. */
  show(query) {
    const isKnown = this.query !== null && keyOf(query) === keyOf(this.query)
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
    const busy = setTimeout(() => this.root.setAttribute("aria-busy", "true"), BUSY_MS)
    this.part("problem").hidden = true
    try {
      const found = await this.find(page, signal)
      if (!signal.aborted) this.draw(found)
    } catch (error) {
      if (!signal.aborted) this.fail(error)
    } finally {
      clearTimeout(busy)
      if (!signal.aborted) this.root.removeAttribute("aria-busy")
    }
  }

  async find(page, signal) {
    const { listing, varied, filters } = this.query
    const photo = await this.findPhoto(signal)
    const sought = photo ? { photo } : listing ? { listing } : {}
    const asked = { ...filters, ...sought, varied: Boolean(varied), page }
    return ask(`/api/search?${new URLSearchParams(asked)}`, { signal })
  }

  /** Return the id of what was handed in, once the worker has looked at it. */
  async findPhoto(signal) {
    const { photo, listing, region } = this.query
    if (!photo && !(listing && region)) return null
    let found = photo
      ? await ask(`/api/search/photos/${photo}`, { signal })
      : await ask(`/api/search/listings/${listing}?${new URLSearchParams({ region })}`, {
          method: "POST",
          signal,
        })
    for (let looks = 1; found.state === "pending"; looks += 1) {
      this.tellWaiting(looks)
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      found = await ask(`/api/search/photos/${found.id}`, { signal })
    }
    if (found.error) throw Object.assign(new Error(found.error), { status: REFUSED })
    return found.id
  }

  tellWaiting(looks) {
    this.clear()
    this.part("told").textContent =
      looks < MANY_LOOKS
        ? "The worker is looking at the photo…"
        : "No worker has looked at the photo so far. Is one running? What is found appears here."
  }

  draw(found) {
    this.page = found.page
    this.part("told").textContent = found.total ? tell(found) : this.tellNothing()
    this.part("cards").replaceChildren(...found.hits.map((hit) => makeCard(hit, this.onAlike)))
    const last = Math.max(0, Math.ceil(found.total / A_PAGE) - 1)
    this.part("pager").hidden = !last
    this.part("place").textContent = `Page ${this.page + 1} of ${last + 1}`
    this.root.querySelector('[data-action="back"]').disabled = !this.page
    this.root.querySelector('[data-action="on"]').disabled = this.page >= last
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
    const isRefused = error.status >= 400 && error.status < 500 && error.status !== NOT_YET
    const next = isRefused && this.query.photo ? " Choose another photo." : ""
    this.part("told").textContent = ""
    this.part("reason").textContent = `${asSentence(error.message)}${next}`
    this.part("problem").hidden = false
    this.root.querySelector('[data-action="again"]').hidden = isRefused
  }

  turn(step) {
    this.search(this.page + step)
    this.root.scrollIntoView({ block: "start" })
  }
}

const TURNS = {
  clear: (results) => results.onSeek({}),
  again: (results) => results.search(results.page ?? 0),
  back: (results) => results.turn(-1),
  on: (results) => results.turn(1),
}

const keyOf = ({ photo, listing, region, varied, filters }) =>
  JSON.stringify([photo, listing, region, Boolean(varied), filters])

/** Return what the server answers; an error has its `status`, none where it was not reached. */
async function ask(address, options) {
  const answer = await fetch(address, options).catch((error) => {
    if (error.name === "AbortError") throw error
    throw new Error("the server cannot be reached")
  })
  const said = await answer.json().catch(() => ({}))
  if (answer.ok) return said
  const words = said.message ?? `the server answered ${answer.status}`
  throw Object.assign(new Error(words), { status: answer.status })
}

function tell(found) {
  const listings = count(found.total, "listing")
  const photos = found.indexed.toLocaleString("en")
  const waiting = found.waiting ? ` · ${count(found.waiting, "photo")} not looked at yet` : ""
  return `${listings} · ${photos} photos searched in ${found.took_ms} ms${waiting}.`
}

/** "no listing 7" → "No listing 7." */
function asSentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/\.$/, "")}.`
}
