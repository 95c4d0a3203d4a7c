const DECODED = 4 // ahead of time; a photo takes 5 MiB once it is decoded
const RELOAD_MS = 1_500

/** Photos that are loaded before they are needed, and decoded shortly before. */
class Photos {
  constructor() {
    this.loaded = new Map()
  }

  /** Load the photos in the order that they come in, and forget all others. */
  prefetch(sha256s) {
    const wanted = new Set(sha256s)
    for (const known of this.loaded.keys()) if (!wanted.has(known)) this.loaded.delete(known)
    for (const sha256 of wanted) this.load(sha256)
    for (const sha256 of [...wanted].slice(0, 1 + DECODED)) this.decode(sha256)
  }

  load(sha256) {
    let photo = this.loaded.get(sha256)
    if (!photo) {
      photo = new Photo(`/api/images/${sha256}/view`, () => this.loaded.get(sha256) === photo)
      this.loaded.set(sha256, photo)
    }
    return photo
  }

  /** Load it and have it decoded; its `done` resolves when it is. */
  decode(sha256) {
    const photo = this.load(sha256)
    photo.done ??= photo.decode()
    return photo
  }
}

/** One photo: `ready` turns true once it is decoded, or, with `failed`, once it is known not to be. */
class Photo {
  constructor(address, isWanted) {
    this.address = address
    this.isWanted = isWanted
    this.ready = false
    this.failed = false
    this.load()
  }

  load() {
    this.img = element("img")
    this.img.decoding = "sync" // it is painted in the very frame that it is put into
    this.img.src = this.address
  }

  /** A network that is gone is no fault of the photo: it is tried again until the server answers. */
  async decode() {
    for (let answers = 0; !this.ready; ) {
      try {
        await this.img.decode()
        this.ready = true
      } catch {
        const status = await statusOf(this.address)
        if (status === 200) answers += 1
        this.failed = this.ready = answers > 1 || (status >= 400 && status < 500)
        if (this.ready || !this.isWanted()) return
        if (status !== 200) await wait(RELOAD_MS)
        this.load()
      }
    }
  }
}

/** What the server answers, 0 where none does. */
const statusOf = (address) => fetch(address).then(({ status }) => status, () => 0)
