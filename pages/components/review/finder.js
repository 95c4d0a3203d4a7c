const RECENT = 9

/** Type-ahead over all categories; the likely ones of the listing and those taken last come first. */
class Finder {
  constructor(root, { signal, user, onPick, onProblem }) {
    this.name = `catalens.recent.${user}`
    this.recent = JSON.parse(localStorage.getItem(this.name) ?? "[]")
    this.dialog = root.querySelector('[data-role="finder"]')
    this.input = root.querySelector('[data-role="finder-input"]')
    this.list = root.querySelector('[data-role="finder-options"]')
    this.onPick = onPick
    this.onProblem = onProblem
    this.input.addEventListener("input", () => this.find(), { signal })
    this.input.addEventListener("keydown", (event) => this.onKey(event), { signal })
  }

  open(likely) {
    this.likely = likely
    this.input.value = ""
    this.dialog.showModal()
    this.find()
  }

  async find() {
    const words = this.input.value.trim()
    const asked = (this.search = Symbol("search"))
    const fits = (path) =>
      words.toLowerCase().split(/\s+/).every((word) => path.toLowerCase().includes(word))
    const first = onlyOnce([...this.likely, ...this.recent]).filter(({ path }) => fits(path))
    this.drawOptions(first)
    try {
      const found = await fetchJson(`/api/categories?q=${encodeURIComponent(words)}`)
      if (asked !== this.search) return
      this.drawOptions(onlyOnce([...first, ...found]))
      this.list.dataset.found = words
    } catch (error) {
      if (asked === this.search) this.onProblem(error)
    }
  }

  drawOptions(categories) {
    this.options = categories
    const rows = categories.map((category, index) => {
      const row = element("li", "option")
      row.id = `finder-option-${index}`
      row.setAttribute("role", "option")
      row.append(element("span", "name", leaf(category.path)))
      row.append(element("span", "muted", category.path))
      row.onclick = () => this.pick(index)
      return row
    })
    this.list.replaceChildren(...rows)
    if (!rows.length) {
      this.list.append(element("li", "muted", "No category has these words."))
    }
    this.mark(0)
  }

  mark(index) {
    this.marked = Math.max(0, Math.min(index, this.options.length - 1))
    this.input.setAttribute("aria-activedescendant", `finder-option-${this.marked}`)
    this.list.querySelectorAll(".option").forEach((row, position) => {
      row.setAttribute("aria-selected", String(position === this.marked))
      if (position === this.marked) row.scrollIntoView({ block: "nearest" })
    })
  }

  onKey(event) {
    const actions = {
      ArrowDown: () => this.mark(this.marked + 1),
      ArrowUp: () => this.mark(this.marked - 1),
      Enter: () => this.pick(this.marked),
    }
    if (!actions[event.key]) return
    event.preventDefault()
    actions[event.key]()
  }

  pick(index) {
    const category = this.options[index]
    if (!category) return
    this.dialog.close()
    this.remember(category)
    this.onPick(category)
  }

  remember({ id, path }) {
    this.recent = onlyOnce([{ id, path }, ...this.recent]).slice(0, RECENT)
    localStorage.setItem(this.name, JSON.stringify(this.recent))
  }
}

function onlyOnce(categories) {
  const first = ({ id }) => categories.find((each) => each.id === id)
  return categories.filter((category) => category === first(category))
}
