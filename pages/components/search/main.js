// Search: a photo or a part of one to search by, and what is found. What is asked for is shown at once;
// the page follows, keeps it in the address, and gives the filters.

class Search {
  constructor(root) {
    this.root = root
    this.ended = new AbortController()
    const { signal } = this.ended
    this.turn = 0 // of what was told to the page; it says which it has followed
    this.told = null
    this.results = new Results(root.querySelector(".results"), {
      signal,
      onSeek: (sought, subject) => this.seek(sought, subject),
    })
    this.lens = new Lens(root.querySelector(".lens"), {
      signal,
      onPhoto: (handed) => this.seekPhoto(handed),
      onRegion: (region) => this.seek({ ...this.data, region }, this.data.subject),
    })
    listenToDrops(root, { signal, onFile: (file) => this.lens.take(file) })
  }

  /** Search by something else, or by nothing. */
  seek({ photo, listing, region, varied }, subject = null) {
    this.turn += 1
    this.lens.sending.abort() // a photo on its way would come back over what is sought now
    const sought = { photo, listing, region: region || null, varied }
    this.told = { ...sought, turn: this.turn }
    this.show({ ...this.data, ...sought, subject })
    this.tell("sought", this.told)
  }

  /** Search by what was handed in, also where it failed before. */
  seekPhoto(handed) {
    this.results.expect(handed)
    this.seek({ photo: handed.id, varied: this.data.varied })
  }

  /** Show what the page says, unless it speaks of what was there before. */
  draw({ data, setTriggerValue }) {
    this.tell = setTriggerValue
    if (data.turn && data.turn < this.turn) {
      this.tell("sought", this.told) // it may have been lost with the connection
      return
    }
    this.turn = data.turn
    this.show(data)
  }

  show(data) {
    this.data = data
    this.results.show(data)
    this.lens.draw(data)
  }

  end() {
    this.ended.abort()
    this.lens.forget()
  }
}

const searches = new WeakMap()

export default function (component) {
  const { parentElement } = component
  let search = searches.get(parentElement)
  if (!search) {
    search = new Search(parentElement.querySelector(".search"))
    searches.set(parentElement, search)
  }
  search.draw(component)
  return () => {
    search.end()
    searches.delete(parentElement)
  }
}
