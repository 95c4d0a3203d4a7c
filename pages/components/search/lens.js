// A photo to search by: chosen, taken, dropped or pasted, sent to /api/search/photos; it stays here.

const HEIGHT_PX = 260
const KEPT = 6 // photos that Back leads to

class Lens {
  constructor(root, { signal, onPhoto, onRegion }) {
    this.root = root
    this.onPhoto = onPhoto
    this.onRegion = onRegion
    this.handed = new Map() // by id, the last one last: { file, url, region }
    this.sending = new AbortController()
    this.frame = new Frame({ stage: this.part("stage"), box: this.part("box") })
    this.part("camera-button").hidden = !matchMedia("(pointer: coarse)").matches
    this.listen(signal)
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  listen(signal) {
    const on = (target, name, act) => target.addEventListener(name, act, { signal })
    on(this.root, "click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action
      if (action) ACTIONS[action](this)
    })
    for (const role of ["choose", "camera"]) {
      on(this.part(role), "change", ({ target }) => {
        if (target.files.length) this.take(target.files[0])
        target.value = ""
      })
    }
    on(this.part("photo"), "load", ({ target }) => {
      const width = (HEIGHT_PX * target.naturalWidth) / target.naturalHeight
      this.part("stage").style.width = `${Math.round(width)}px` // a small photo is enlarged
    })
    on(this.part("photo"), "error", () => {
      this.part("shown").hidden = true
      this.say("note", this.isListing ? "The photo is gone." : "This browser cannot show the photo.")
    })
    signal.addEventListener("abort", () => this.sending.abort())
  }

  /** Search by a part, or by the whole where the region is empty. */
  look(region) {
    if (region === this.asked) this.frame.set(region)
    else if (this.isListing) this.onRegion(region)
    else this.take(this.mine.file, region)
    this.drawButtons()
  }

  /** Hand a photo in, or a part of the one that was handed in; the last one counts. */
  async take(file, region = "") {
    this.sending.abort()
    const { signal } = (this.sending = new AbortController())
    this.say("problem", "")
    this.say("note", "Sending the photo…")
    try {
      const query = region ? `?region=${region}` : ""
      const options = { method: "POST", body: file, signal }
      const found = await ask(`/api/search/photos${query}`, options)
      if (signal.aborted) return
      this.keep(file, found.id, region)
      this.say("note", "")
      this.onPhoto(found)
    } catch (error) {
      if (signal.aborted) return
      this.say("note", "")
      this.say("problem", asSentence(error.message))
    }
  }

  keep(file, id, region) {
    const same = [...this.handed.values()].find((each) => each.file === file)
    this.handed.delete(id)
    this.handed.set(id, { file, region, url: same?.url ?? URL.createObjectURL(file) })
    for (const oldest of [...this.handed.keys()].slice(0, -KEPT)) this.drop(oldest)
  }

  drop(id) {
    const { url } = this.handed.get(id)
    this.handed.delete(id)
    if (![...this.handed.values()].some((each) => each.url === url)) URL.revokeObjectURL(url)
  }

  /** Let go of all photos. */
  forget() {
    for (const id of [...this.handed.keys()]) this.drop(id)
  }

  /** Draw what is searched by: a listing's photo, mine, or none that is here. */
  draw({ photo, region, subject }) {
    this.mine = this.handed.get(photo) ?? null
    const src = subject?.src ?? this.mine?.url ?? null
    this.isListing = Boolean(subject)
    this.asked = (this.isListing ? region : this.mine?.region) || ""
    const state = `${src} ${this.asked}`
    if (this.state === state) return
    this.state = state
    this.sending.abort() // something else is searched by meanwhile
    this.say("note", "")
    this.say("problem", "")
    this.part("shown").hidden = !src
    if (src && this.part("photo").getAttribute("src") !== src) this.part("photo").src = src
    this.frame.set(this.asked)
    this.drawButtons()
  }

  drawButtons() {
    const isOpen = this.frame.place !== null
    this.part("stage").classList.toggle("open", isOpen)
    this.part("frame").hidden = isOpen
    this.part("part").hidden = !isOpen
    this.part("whole").hidden = !isOpen
  }

  say(role, words) {
    this.part(role).textContent = words
    this.part(role).hidden = !words
  }
}

const ACTIONS = {
  choose: (lens) => lens.part("choose").click(),
  camera: (lens) => lens.part("camera").click(),
  frame: (lens) => {
    lens.frame.open()
    lens.drawButtons()
  },
  part: (lens) => lens.look(lens.frame.text),
  whole: (lens) => {
    lens.look("")
    lens.part("frame").focus()
  },
}
