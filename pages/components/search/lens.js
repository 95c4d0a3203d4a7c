// A photo to search by: dropped, pasted, chosen or taken, sent to /api/search/photos; it stays here.

const HEIGHT_PX = 260

class Lens {
  constructor(root, { signal, onPhoto, onRegion }) {
    this.root = root
    this.onPhoto = onPhoto
    this.onRegion = onRegion
    this.mine = null // the photo handed in last: { file, url, id }
    this.frame = new Frame({ stage: this.part("stage"), box: this.part("box") })
    this.part("camera-button").hidden = !matchMedia("(pointer: coarse)").matches
    this.listen(signal)
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  listen(signal) {
    const zone = this.part("zone")
    this.root.addEventListener("click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action
      if (action) ACTIONS[action](this)
    })
    for (const role of ["choose", "camera"]) {
      const input = this.part(role)
      input.addEventListener("change", () => {
        if (input.files.length) this.take(input.files[0])
        input.value = ""
      })
    }
    const over = (isOver) => (event) => {
      event.preventDefault()
      zone.classList.toggle("over", isOver)
    }
    zone.addEventListener("dragover", over(true))
    zone.addEventListener("dragleave", over(false))
    zone.addEventListener("drop", (event) => {
      over(false)(event)
      if (event.dataTransfer.files.length) this.take(event.dataTransfer.files[0])
    })
    document.addEventListener("paste", (event) => this.paste(event), { signal })
    this.part("photo").addEventListener("load", ({ target }) => {
      const width = (HEIGHT_PX * target.naturalWidth) / target.naturalHeight
      this.part("stage").style.width = `${Math.round(width)}px` // a small photo is enlarged
    })
    this.part("photo").addEventListener("error", () => {
      this.part("shown").hidden = true
      this.say("note", this.isListing ? "The photo is gone." : "This browser cannot show the photo.")
    })
  }

  paste(event) {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"))
    if (!file) return
    event.preventDefault()
    this.take(file)
  }

  /** Search by a part, or by the whole where the region is empty. */
  look(region) {
    if (region === this.asked) this.frame.set(region)
    else if (this.isListing) this.onRegion(region)
    else this.take(this.mine.file, region)
    this.drawButtons()
  }

  /** Hand a photo in, or a part of the one that was handed in. */
  async take(file, region = "") {
    this.say("problem", "")
    this.say("note", "Sending the photo…")
    try {
      const query = region ? `?region=${region}` : ""
      const answer = await fetch(`/api/search/photos${query}`, { method: "POST", body: file })
      const said = await answer.json().catch(() => ({}))
      if (!answer.ok) throw new Error(said.message ?? `the server answered ${answer.status}`)
      this.keep(file, said.id, region)
      this.onPhoto(said.id)
    } catch (error) {
      const isNetwork = error instanceof TypeError
      this.say("problem", isNetwork ? "the server cannot be reached; try again" : error.message)
    } finally {
      this.say("note", "")
    }
  }

  keep(file, id, region) {
    if (this.mine?.file !== file) {
      if (this.mine) URL.revokeObjectURL(this.mine.url)
      this.mine = { file, url: URL.createObjectURL(file) }
    }
    Object.assign(this.mine, { id, region })
  }

  /** Draw what the page says is searched by: a listing's photo, mine, or none that is here. */
  draw({ photo, region, subject }) {
    const isMine = this.mine !== null && this.mine.id === photo
    const src = subject?.src ?? (isMine ? this.mine.url : null)
    this.isListing = Boolean(subject)
    this.asked = (this.isListing ? region : isMine && this.mine.region) || ""
    const state = `${src} ${this.asked}`
    if (this.state === state) return
    this.state = state
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
  whole: (lens) => lens.look(""),
}
