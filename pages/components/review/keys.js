/** What can be done by key. `words` stand in the list of keys; `key` is the one to begin with. */
const ACTIONS = [
  { name: "accept", key: "a", words: "Accept the suggested category" },
  { name: "correct", key: "e", words: "Choose any other category" },
  { name: "reject", key: "x", words: "Reject the listing; on a page: mark it as wrong" },
  { name: "skip", key: " ", words: "Skip it: it comes back after all others" },
  { name: "undo", key: "z", words: "Undo the last decision; on a page: the last acceptance" },
  { name: "previous", key: "arrowleft", words: "The listing before, without deciding" },
  { name: "next", key: "arrowright", words: "The listing after it, without deciding" },
  { name: "previous-photo", key: "arrowup", words: "The photo before" },
  { name: "next-photo", key: "arrowdown", words: "The next photo of this listing" },
  { name: "zoom", key: "m", words: "Magnify the photo" },
  { name: "explain", key: "g", words: "What the model looked at (Grad-CAM)" },
  { name: "flags", key: "f", words: "Go to the flags" },
  { name: "look-alikes", key: "s", words: "Go to the look-alikes" },
  { name: "grid", key: "v", words: "A page of listings at once, or one at a time" },
  { name: "accept-rest", key: "shift+a", words: "On a page: accept all that are not marked" },
  { name: "help", key: "h", words: "These keys" },
]
const KEY_WORDS = {
  " ": "Space",
  arrowleft: "←",
  arrowright: "→",
  arrowup: "↑",
  arrowdown: "↓",
}
const FIXED_KEYS = /^(shift\+)?([0-9]|tab|enter|escape|shift|control|alt|altgraph|meta|capslock|dead)$/

const keyOf = (event) => (event.shiftKey ? "shift+" : "") + event.key.toLowerCase()
const isModified = (event) => event.ctrlKey || event.altKey || event.metaKey

/** Which key does what, for one person in this browser. */
class KeyMap {
  constructor(user) {
    this.name = `catalens.keys.${user}`
    this.chosen = JSON.parse(localStorage.getItem(this.name) ?? "{}")
  }

  keyFor(action) {
    return this.chosen[action.name] ?? action.key
  }

  find(key) {
    return ACTIONS.find((action) => this.keyFor(action) === key)?.name
  }

  /** Give the action this key; what had it gets the action's old one. */
  change(action, key) {
    const other = ACTIONS.find((each) => this.keyFor(each) === key)
    if (other) this.chosen[other.name] = this.keyFor(action)
    this.chosen[action.name] = key
    localStorage.setItem(this.name, JSON.stringify(this.chosen))
  }

  reset() {
    this.chosen = {}
    localStorage.removeItem(this.name)
  }

  words(action) {
    const parts = this.keyFor(action).split(/(?<=shift)\+/)
    return parts.map((part) => KEY_WORDS[part] ?? capitalized(part)).join(" ")
  }

  /** As `aria-keyshortcuts` wants it. */
  shortcut(action) {
    const parts = this.keyFor(action).split(/(?<=shift)\+/)
    const named = (part) => part.replace(/^arrow(.)/, (_, letter) => `Arrow${letter.toUpperCase()}`)
    return parts.map((part) => (part === " " ? "Space" : capitalized(named(part)))).join("+")
  }
}

const capitalized = (word) => word.charAt(0).toUpperCase() + word.slice(1)

/** Turns keys and clicks into actions: `actions()[name]()`, and `onDigit` for 1 to 9. */
class Controls {
  constructor(root, { signal, user, actions, onDigit, onInput }) {
    this.root = root
    this.actions = actions
    this.onDigit = onDigit
    this.onInput = onInput
    this.map = new KeyMap(user)
    this.help = root.querySelector('[data-role="help"]')
    document.addEventListener("keydown", (event) => this.onKey(event), { signal })
    root.addEventListener("click", (event) => this.onClick(event), { signal })
    this.help.addEventListener("keydown", (event) => this.onNewKey(event), { signal })
    this.help.addEventListener("close", () => this.draw(), { signal })
    this.draw()
  }

  /** Print the keys on the buttons and in the list. */
  draw() {
    this.waiting = null // the action that waits for its new key
    for (const action of ACTIONS) {
      for (const each of this.root.querySelectorAll(`[data-action="${action.name}"]`)) {
        each.setAttribute("aria-keyshortcuts", this.map.shortcut(action))
        const printed = each.querySelector("kbd")
        if (printed) printed.textContent = this.map.words(action)
      }
    }
    const digits = [element("dt"), element("dd", "", "Take the category with that number")]
    digits[0].append(element("kbd", "", "1–9"))
    const rows = ACTIONS.flatMap((action) => [this.keyButton(action), element("dd", "", action.words)])
    this.help.querySelector('[data-role="keys"]').replaceChildren(...digits, ...rows)
  }

  keyButton(action) {
    const name = element("dt")
    const change = button("key", () => this.ask(action))
    change.append(element("kbd", "", this.map.words(action)))
    change.dataset.key = action.name
    change.setAttribute("aria-label", `${this.map.words(action)}: change the key for “${action.words}”`)
    name.append(change)
    return name
  }

  /** Wait for the key that the action is to have. */
  ask(action) {
    this.draw()
    this.waiting = action
    const asked = this.help.querySelector(`[data-key="${action.name}"]`)
    asked.textContent = "Press a key"
    asked.focus()
  }

  onNewKey(event) {
    if (!this.waiting || event.key === "Escape" || event.key === "Tab") return
    event.preventDefault()
    event.stopPropagation()
    const key = keyOf(event)
    if (event.repeat || isModified(event) || FIXED_KEYS.test(key)) return
    const { name } = this.waiting
    this.map.change(this.waiting, key)
    this.draw()
    this.help.querySelector(`[data-key="${name}"]`).focus()
  }

  onKey(event) {
    if (event.repeat || isModified(event)) return
    const target = event.composedPath()[0]
    if (target.closest?.("input, textarea, select, [contenteditable=true]")) return
    if (document.querySelector("[role=dialog], dialog[open]")) return
    if (this.root.querySelector("dialog[open]")) return
    if (event.key === " " && target.closest?.("button, a, summary")) return
    const digit = /^[1-9]$/.test(event.key)
    const action = this.map.find(keyOf(event))
    if (!digit && !action) return
    event.preventDefault()
    this.onInput()
    if (digit) this.onDigit(Number(event.key))
    else this.act(action)
  }

  onClick(event) {
    const pressed = event.target.closest("[data-action]")
    if (!pressed) return
    if (event.detail > 0) pressed.blur() // so that Space skips, and does not press it again
    this.act(pressed.dataset.action)
  }

  act(action) {
    if (action === "help") this.help.showModal()
    else if (action === "close-help") this.help.close()
    else if (action === "reset-keys") this.resetKeys()
    else this.actions()[action]?.()
  }

  resetKeys() {
    this.map.reset()
    this.draw()
  }
}
