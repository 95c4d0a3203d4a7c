// Search: a photo or a part of one to search by, and what is found. The page gives the filters and
// keeps in the address what is searched by.

class Search {
  constructor(root) {
    this.ended = new AbortController()
    this.root = root
    this.results = new Results(root.querySelector(".results"), {
      onSeek: (sought) => this.seek(sought),
      onAlike: (listing) => this.seekAlike(listing),
    })
    this.lens = new Lens(root.querySelector(".lens"), {
      signal: this.ended.signal,
      onPhoto: (photo) => this.seekPhoto(photo),
      onRegion: (region) => this.seek({ ...this.results.query, region }),
    })
  }

  /** Have the page search by something else: it comes back with it by `draw`. */
  seek({ photo, listing, region, varied }) {
    this.tell("sought", { photo, listing, region, varied })
  }

  seekAlike(listing) {
    this.seek({ listing, varied: true })
    this.root.scrollIntoView({ block: "start" })
  }

  /** Search by a photo at once: the page needs as long to follow as the search takes. */
  seekPhoto(photo) {
    const { varied, filters } = this.results.query
    this.show({ photo, listing: null, region: null, varied, subject: null, filters })
    this.seek({ photo, varied })
  }

  draw({ data, setTriggerValue }) {
    this.tell = setTriggerValue
    const drawn = JSON.stringify(data)
    if (drawn === this.drawn) return
    this.drawn = drawn
    this.show(data)
  }

  show(query) {
    this.results.show(query)
    this.lens.draw(query)
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
    search.ended.abort()
    search.results.asked.abort()
    searches.delete(parentElement)
  }
}
