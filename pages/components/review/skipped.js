const SKIPPED_NAME = "catalens.skipped"

/** Listings that were skipped, in that order: they come last until the tab is closed. */
class Skipped {
  constructor() {
    this.ids = new Set(JSON.parse(sessionStorage.getItem(SKIPPED_NAME) ?? "[]"))
  }

  has(id) {
    return this.ids.has(id)
  }

  add(id) {
    this.ids.delete(id) // to the end
    this.ids.add(id)
    this.store()
  }

  remove(id) {
    if (this.ids.delete(id)) this.store()
  }

  orderOf(id) {
    return [...this.ids].indexOf(id)
  }

  store() {
    sessionStorage.setItem(SKIPPED_NAME, JSON.stringify([...this.ids]))
  }
}
