// The drop zone: files go to /api/uploads, fifty a request, and become a batch at the end. What
// the catalogue has already is told before that, and the user says what becomes of it.

const FILES_A_REQUEST = 50
const BYTES_A_REQUEST = 64 * 1024 * 1024
const ATTEMPTS = 4
const LISTED = 200
const PAIRS_SHOWN = 24
const PROGRESS_POLL_MS = 500
const BUSY_POLL_MS = 2000
const OPENED_WITHIN_MS = 5000

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const plural = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`

function size(bytes) {
  const units = ["B", "kB", "MB", "GB"]
  let unit = 0
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000
    unit += 1
  }
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`
}

function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

/** An answer that says what was wrong; asking again would not help. */
class Refused extends Error {}

/** An answer that says to ask again later. */
class Busy extends Error {}

function problemOf({ status, response }) {
  const message = response?.message ?? `the server answered ${status}`
  if (response?.error === "UploadBusyError") return new Busy(message)
  return status < 500 ? new Refused(message) : new Error(message)
}

/** Have an upload forgotten; the server may still be taking the files that were on their way. */
async function discard(id) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const options = { method: "DELETE", keepalive: true }
    const answer = await fetch(`/api/uploads/${id}`, options).catch(() => null)
    if (answer?.status !== 409) return
    await wait(BUSY_POLL_MS)
  }
}

/** Send one request with progress, which fetch cannot tell for what it sends. */
function send(request, method, address, body, onProgress) {
  return new Promise((resolve, reject) => {
    request.open(method, address)
    request.responseType = "json"
    request.upload.onprogress = (event) => onProgress?.(event.loaded)
    request.onload = () => {
      if (request.status < 400) resolve(request.response)
      else reject(problemOf(request))
    }
    request.onerror = () => reject(new Error("the server cannot be reached"))
    request.onabort = () => reject(new Refused("cancelled"))
    if (typeof body === "string") request.setRequestHeader("Content-Type", "application/json")
    request.send(body)
  })
}

/** Files of a drop, with the paths inside dropped folders. */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean)
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }))
  const found = []
  for (const entry of entries) await collect(entry, found)
  return found
}

async function collect(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject))
    found.push({ file, path: entry.fullPath.replace(/^\//, "") })
    return
  }
  const reader = entry.createReader()
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (!some.length) return
    for (const each of some) await collect(each, found)
  }
}

class Upload {
  constructor(root) {
    this.root = root
    this.reset()
    this.listen()
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  reset() {
    this.files = []
    this.paths = new Map() // file by path
    this.id = null
    this.busy = false
    this.request = null
    this.part("cancel").disabled = false
    this.part("panel").hidden = true
    this.hideKnown()
    this.part("problem").hidden = true
    this.part("name").value = ""
    this.part("list").replaceChildren()
  }

  listen() {
    const zone = this.part("zone")
    zone.ondragover = (event) => {
      event.preventDefault()
      zone.classList.add("over")
    }
    zone.ondragleave = () => zone.classList.remove("over")
    zone.ondrop = async (event) => {
      event.preventDefault()
      zone.classList.remove("over")
      this.add(await filesOf(event.dataTransfer))
    }
    for (const role of ["files", "folder"]) {
      this.root.querySelector(`[data-action="${role}"]`).onclick = () => this.part(role).click()
      this.part(role).onchange = (event) => {
        const chosen = [...event.target.files]
        this.add(chosen.map((file) => ({ file, path: file.webkitRelativePath || file.name })))
        event.target.value = ""
      }
    }
    this.part("send").onclick = () => this.run()
    this.part("cancel").onclick = () => this.cancel()
    for (const button of this.root.querySelectorAll("[data-duplicates]")) {
      button.onclick = () => this.chosen?.(button.dataset.duplicates)
    }
  }

  draw({ data, setTriggerValue }) {
    this.data = data
    this.finished = (batchId) => setTriggerValue("batch", String(batchId))
    this.part("limits").textContent = data.limits
  }

  // ---- the list --------------------------------------------------------------------

  add(chosen) {
    if (this.busy) return
    const visible = chosen.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")))
    for (const { file, path } of visible) this.addOne(file, path)
    if (!this.files.length) return
    this.part("panel").hidden = false
    this.part("name").value ||= this.suggestName()
    this.files.forEach((each, index) => this.drawFile(each, index))
    const hidden = this.files.length - LISTED
    this.part("more").textContent = hidden > 0 ? `and ${plural(hidden, "more file")}` : ""
    this.drawFigures()
  }

  /** Add a file; the same one again is left out, another of the same name gets a number. */
  addOne(file, path) {
    const [, stem, ending] = path.match(/^(.*?)(\.[^./]*)?$/)
    for (let number = 1; ; number += 1) {
      const free = number === 1 ? path : `${stem}-${number}${ending ?? ""}`
      const taken = this.paths.get(free)
      if (taken && taken.size === file.size && taken.lastModified === file.lastModified) return
      if (taken) continue
      this.paths.set(free, file)
      this.files.push({ file, path: free, state: "waiting", sent: 0 })
      return
    }
  }

  suggestName() {
    const [first] = this.files
    const folder = first.path.includes("/") ? first.path.split("/")[0] : ""
    const zip = /\.zip$/i.test(first.path) ? first.path.replace(/\.zip$/i, "") : ""
    const now = new Date().toLocaleString("sv").slice(0, 16)
    return folder || zip || `Upload ${now}`
  }

  drawFile(each, index) {
    if (index >= LISTED && each.state !== "refused") return
    if (!each.row) {
      each.row = element("li", "file")
      each.row.append(element("span", "path", each.path), element("span", "state"))
      this.part("list").append(each.row)
    }
    each.row.classList.toggle("refused", each.state === "refused")
    const share = each.state === "done" ? 1 : each.sent / Math.max(1, each.file.size)
    each.row.style.setProperty("--share", `${Math.min(100, share * 100)}%`)
    const words = { waiting: size(each.file.size), sending: `${Math.floor(share * 100)}%`, done: "✓ sent" }
    each.row.lastChild.textContent = each.message ?? words[each.state]
  }

  drawFigures() {
    const total = this.files.reduce((sum, each) => sum + each.file.size, 0)
    const sent = this.files.reduce((sum, each) => sum + Math.min(each.sent, each.file.size), 0)
    const done = this.files.filter((each) => each.state === "done").length
    const refused = this.files.filter((each) => each.state === "refused").length
    const share = total ? (sent / total) * 100 : 0
    this.part("progress").style.setProperty("--share", `${share}%`)
    this.part("progress").setAttribute("aria-valuenow", Math.round(share))
    const words = [`${plural(this.files.length, "file")}, ${size(total)}`]
    if (this.busy && sent) {
      const speed = sent / ((performance.now() - this.begun) / 1000)
      words.push(`${done} sent`, `${size(speed)}/s`, `${duration((total - sent) / speed)} left`)
    }
    if (refused) words.push(`${refused} refused`)
    this.part("figures").textContent = words.join(" · ")
    const button = this.part("send")
    button.disabled = this.busy
    button.textContent = this.busy ? "Uploading…" : this.id ? "Try again" : `Upload ${plural(this.files.length, "file")}`
  }

  // ---- sending ---------------------------------------------------------------------

  async run() {
    this.busy = true
    this.begun = performance.now()
    this.part("problem").hidden = true
    this.drawFigures()
    try {
      this.id ??= (await this.ask("POST", "/api/uploads")).upload_id
      for (const group of this.groups()) await this.sendGroup(group)
      const duplicates = await this.askAboutKnown()
      const report = await this.makeBatch(duplicates)
      this.finished(report.batch_id)
      this.reset()
      setTimeout(() => this.openUnlessDone(report.batch_id), OPENED_WITHIN_MS)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Open the batch from here: the page did not, as it never heard of it without a connection. */
  openUnlessDone(batchId) {
    if (this.root.isConnected && !this.files.length) location.assign(`/batches?batch=${batchId}`)
  }

  /** Return what becomes of photos that the catalogue has; ask only where there are some. */
  async askAboutKnown() {
    this.part("figures").textContent = "Looking for photos that are in the catalogue already…"
    const found = await this.ask("POST", `/api/uploads/${this.id}/check`)
    if (!found.told.length) return "keep"
    this.drawKnown(found)
    const choice = await new Promise((resolve) => {
      this.chosen = resolve
    })
    this.hideKnown()
    if (!choice) throw new Refused("cancelled")
    return choice
  }

  drawKnown(found) {
    const known = found.same_file + found.same_picture
    this.part("figures").textContent = "Not imported yet: say below what becomes of them."
    this.part("send").textContent = "Waiting…"
    this.part("known-title").textContent =
      `${known.toLocaleString("en")} of ${plural(found.photos, "photo")} ${known === 1 ? "is" : "are"} in the catalogue already`
    const words = ["What is left out is named on the page of the batch."]
    if (found.not_compared) {
      words.unshift(
        `The pictures of ${plural(found.not_compared, "photo")} were not compared yet: that takes longer, ` +
          "and is done if all copies are left out, or else after they were classified.",
      )
    }
    this.part("known-words").textContent = words.join(" ")
    const shown = found.told.slice(0, PAIRS_SHOWN)
    this.part("pairs").replaceChildren(...shown.map((each) => this.pair(each)))
    this.part("known-more").textContent =
      known > shown.length ? `and ${(known - shown.length).toLocaleString("en")} more` : ""
    const sameFiles = this.root.querySelector('[data-duplicates="skip_same_bytes"]')
    sameFiles.hidden = !found.same_file || !(found.same_picture || found.not_compared)
    sameFiles.textContent = `Leave out ${plural(found.same_file, "same file")}`
    this.part("known").hidden = false
    this.part("known-title").focus()
  }

  /** The photo that comes beside the one in the catalogue. */
  pair(known) {
    const row = element("li", "pair")
    const photos = element("div", "photos")
    const file = this.paths.get(known.name)
    if (file) photos.append(this.picture(URL.createObjectURL(file), "the file that comes"))
    if (known.sha256) {
      photos.append(this.picture(`/api/images/${known.sha256}/thumb`, "the photo in the catalogue"))
    }
    const what =
      known.kind === "same_bytes" ? "the same file" : `the same picture, ${Math.floor(known.score * 100)}% of it`
    const words = element("p", "muted")
    words.append(element("span", "path", known.name), element("span", "", what))
    if (known.listing_id === null) words.append(element("span", "", "brought in by somebody else"))
    else words.append(this.listingLink(known))
    row.append(photos, words)
    return row
  }

  listingLink(known) {
    const link = element("a", "", `${known.title || known.sku} in ${known.batch}`)
    link.href = `/listing?id=${known.listing_id}`
    link.target = "_blank"
    return link
  }

  picture(source, name) {
    const image = element("img")
    image.alt = name
    image.loading = "lazy"
    image.onload = () => URL.revokeObjectURL(source)
    image.onerror = () => image.remove() // a format that this browser cannot show
    image.src = source
    return image
  }

  hideKnown() {
    this.chosen = null
    this.part("known").hidden = true
    this.part("pairs").replaceChildren()
  }

  /** Have the server check the photos and make the batch; show how far it is meanwhile. */
  async makeBatch(duplicates) {
    const address = `/api/uploads/${this.id}`
    const batch_name = this.part("name").value.trim() || this.suggestName()
    const begun = performance.now()
    this.part("figures").textContent = "Checking the photos…"
    this.part("send").textContent = "Importing…"
    this.part("cancel").disabled = true
    let watching = true
    const watch = setInterval(async () => {
      const { done, total } = await fetch(address).then((answer) => answer.json()).catch(() => ({}))
      if (done && watching) this.drawMaking(done, total, performance.now() - begun)
    }, PROGRESS_POLL_MS)
    try {
      return await this.ask("POST", `${address}/finish`, JSON.stringify({ batch_name, duplicates }))
    } finally {
      watching = false
      this.part("cancel").disabled = false
      clearInterval(watch)
    }
  }

  drawMaking(done, total, elapsed) {
    const share = (done / total) * 100
    this.part("progress").style.setProperty("--share", `${share}%`)
    this.part("progress").setAttribute("aria-valuenow", Math.round(share))
    const left = duration(((elapsed / 1000) * (total - done)) / done)
    this.part("figures").textContent = `Checking the photos: ${done} of ${total} · ${left} left`
  }

  /** What is still to be sent, in requests of at most fifty files. */
  *groups() {
    let group = []
    let bytes = 0
    for (const each of this.files.filter(({ state }) => state === "waiting")) {
      if (group.length === FILES_A_REQUEST || (group.length && bytes + each.file.size > BYTES_A_REQUEST)) {
        yield group
        group = []
        bytes = 0
      }
      group.push(each)
      bytes += each.file.size
    }
    if (group.length) yield group
  }

  async sendGroup(group) {
    const body = new FormData()
    for (const { file, path } of group) body.append("files", file, path)
    const results = await this.ask("POST", `/api/uploads/${this.id}/files`, body, (loaded) =>
      this.spread(group, loaded),
    )
    results.forEach((result, position) => {
      const each = group[position]
      each.state = result.accepted ? "done" : "refused"
      each.message = result.accepted ? undefined : result.message
      each.sent = each.file.size
      this.drawFile(each, this.files.indexOf(each))
    })
    this.drawFigures()
  }

  /** Share the bytes of a request out over its files, which go one after the other. */
  spread(group, loaded) {
    for (const each of group) {
      each.sent = Math.max(0, Math.min(each.file.size, loaded))
      loaded -= each.file.size
      if (each.row) {
        each.row.style.setProperty("--share", `${(each.sent / Math.max(1, each.file.size)) * 100}%`)
      }
    }
    this.drawFigures()
  }

  /** Ask, and again after a pause if the server could not be reached or is still at it. */
  async ask(method, address, body, onProgress) {
    for (let attempt = 1; ; attempt += 1) {
      this.request = new XMLHttpRequest()
      try {
        return await send(this.request, method, address, body, onProgress)
      } catch (error) {
        if (error instanceof Busy) {
          attempt = 0
          await wait(BUSY_POLL_MS)
          continue
        }
        if (error instanceof Refused || attempt === ATTEMPTS) throw error
        await wait(500 * 2 ** attempt)
      }
    }
  }

  fail(error) {
    this.busy = false
    if (error.message === "cancelled") return
    this.part("problem").textContent = error.message
    this.part("problem").hidden = false
    this.drawFigures()
  }

  cancel() {
    this.request?.abort()
    this.chosen?.(null)
    if (this.id) discard(this.id)
    this.reset()
  }
}

const uploads = new WeakMap()

export default function (component) {
  const { parentElement } = component
  let upload = uploads.get(parentElement)
  if (!upload) {
    upload = new Upload(parentElement.querySelector(".upload"))
    uploads.set(parentElement, upload)
  }
  upload.draw(component)
  return () => uploads.delete(parentElement)
}
