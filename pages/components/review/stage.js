/** The listing on screen: its photo, the facts beside it, and the buttons below. */
class Stage {
  constructor(root, { onTake, onJudge }) {
    this.root = root
    this.photos = new Photos()
    this.explanation = new Explanation(root)
    this.zoom = new Zoom(root)
    this.lookAlikes = new LookAlikes(root)
    this.facts = new Facts(root, {
      onTake,
      onJudge,
      onExplain: (opinion) => this.explanation.show(opinion),
    })
    this.clear()
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  /** Have nothing on screen that could be decided. */
  clear() {
    this.item = null
    this.lookAlikes.clear()
    this.painted = false // whether the photo has been seen, so that the listing may be decided
    delete this.root.dataset.listing
  }

  async show(item, { canUndo }) {
    this.clear()
    this.item = item
    this.photoIndex = 0
    this.part("message").hidden = true
    this.part("stage").hidden = false
    this.part("actions").hidden = false
    this.facts.draw(item)
    this.drawButtons(canUndo)
    await this.drawPhoto()
    if (this.item === item) this.lookAlikes.showSoon(item)
  }

  /** Load the first photos of the listings that come next, and forget all others. */
  prefetch(items) {
    const photos = items.flatMap((item) => item.listing.photos.slice(0, 1))
    this.photos.prefetch(photos.map((photo) => photo.sha256))
  }

  explain() {
    this.explanation.toggle(this.item?.listing.photos[this.photoIndex]?.opinions[0])
  }

  turnPhoto(step) {
    const index = this.photoIndex + step
    if (!this.item?.listing.photos[index]) return
    this.photoIndex = index
    this.facts.drawModels(this.item.listing, index)
    this.drawPhoto()
  }

  /** Put the photo into the frame; the listing may be decided once that has been painted. */
  async drawPhoto() {
    this.explanation.hide()
    this.zoom.reset()
    this.drawStrip()
    const { item } = this
    const photo = item.listing.photos[this.photoIndex]
    const current = () => this.item === item && item.listing.photos[this.photoIndex] === photo
    const loaded = photo && !photo.problem ? this.photos.decode(photo.sha256) : null
    if (loaded && !loaded.ready) {
      this.part("frame").replaceChildren(element("p", "loading", "Loading the photo…"))
      await loaded.done
      if (!current()) return
    }
    this.part("frame").replaceChildren(this.pictureOf(photo, loaded))
    await nextFrame()
    if (current()) {
      this.painted = true
      this.root.dataset.listing = item.listing.id
    }
  }

  pictureOf(photo, loaded) {
    if (!photo) return element("p", "unreadable", "This listing has no photo.")
    if (photo.problem) return element("p", "unreadable", photo.problem)
    if (loaded.failed) return element("p", "unreadable", "This photo cannot be shown.")
    loaded.img.alt = this.item.listing.title || photo.file_name
    return loaded.img
  }

  drawStrip() {
    const { photos } = this.item.listing
    const thumbs = photos.length > 1 ? photos.map((photo, index) => this.thumbOf(photo, index)) : []
    this.part("strip").hidden = !thumbs.length
    this.part("strip").replaceChildren(...thumbs)
  }

  thumbOf(photo, index) {
    const { photos } = this.item.listing
    const thumb = button("thumb", () => this.turnPhoto(index - this.photoIndex))
    const img = element("img")
    img.src = `/api/images/${photo.sha256}/thumb`
    img.alt = `Photo ${index + 1} of ${photos.length}`
    thumb.append(img)
    thumb.setAttribute("aria-pressed", String(index === this.photoIndex))
    return thumb
  }

  drawButtons(canUndo) {
    const { open, listing } = this.item
    const set = (action, enabled) => {
      this.root.querySelector(`.single-actions [data-action="${action}"]`).disabled = !enabled
    }
    set("accept", open && listing.suggested !== null)
    for (const action of ["correct", "reject", "skip"]) set(action, open)
    set("undo", canUndo)
    set("explain", listing.photos.some((photo) => photo.opinions.length > 0))
  }
}
