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
    const known = onlyOnce([...this.likely, ...this.recent])
    const fits = ({ path }) => fold(words).split(/\s+/).every((word) => fold(path).includes(word))
    this.drawOptions(known.filter(fits))
    const query = new URLSearchParams({ q: words })
    for (const { id } of known) query.append("first", id)
    try {
      const found = await fetchJson(`/api/categories?${query}`)
      if (asked !== this.search) return
      this.drawOptions(inOrder(found, known, fold(words)))
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
      if (category.code) row.append(element("span", "code", category.code))
      const also = category.synonyms?.length ? ` · also ${category.synonyms.join(", ")}` : ""
      row.append(element("span", "muted", category.path + also))
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

/** Without case and accents, as the server searches. */
const fold = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "")

/** What is called just so first, then the known ones in their order, then as the server says. */
function inOrder(found, known, whole) {
  const names = ({ path, code, synonyms }) => [leaf(path), path, code ?? "", ...synonyms]
  const place = (category) => {
    if (whole && names(category).some((name) => fold(name) === whole)) return -1
    const position = known.findIndex(({ id }) => id === category.id)
    return position < 0 ? known.length : position
  }
  return found
    .map((category) => [place(category), category])
    .sort(([one], [other]) => one - other)
    .map(([, category]) => category)
}
