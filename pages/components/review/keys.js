const KEYS = [
  ["A", "Accept the suggested category"],
  ["1–9", "Take the category with that number"],
  ["E", "Choose any other category"],
  ["X", "Reject the listing"],
  ["Space", "Skip it: it comes back after all others"],
  ["Z", "Undo the last decision"],
  ["← →", "Look at other listings without deciding"],
  ["↑ ↓", "Other photos of this listing"],
  ["G", "What the model looked at (Grad-CAM)"],
  ["F", "Go to the flags"],
  ["H", "These keys"],
]

const ACTION_OF_KEY = {
  a: "accept",
  e: "correct",
  x: "reject",
  " ": "skip",
  z: "undo",
  g: "explain",
  f: "flags",
  h: "help",
  arrowleft: "previous",
  arrowright: "next",
  arrowup: "previous-photo",
  arrowdown: "next-photo",
}

/** Turns keys and clicks into actions: `actions[name]()`, and `onDigit` for 1 to 9. */
class Controls {
  constructor(root, { signal, actions, onDigit, onInput }) {
    this.root = root
    this.actions = actions
    this.onDigit = onDigit
    this.onInput = onInput
    document.addEventListener("keydown", (event) => this.onKey(event), { signal })
    root.addEventListener("click", (event) => this.onClick(event), { signal })
    this.help = root.querySelector('[data-role="help"]')
    this.help.querySelector('[data-role="keys"]').replaceChildren(
      ...KEYS.flatMap(([key, words]) => {
        const name = element("dt")
        name.append(element("kbd", "", key))
        return [name, element("dd", "", words)]
      }),
    )
  }

  onKey(event) {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return
    const target = event.composedPath()[0]
    if (target.closest?.("input, textarea, select, [contenteditable=true]")) return
    if (document.querySelector("[role=dialog], dialog[open]")) return
    if (this.root.querySelector("dialog[open]")) return
    if (event.key === " " && target.closest?.("button, a, summary")) return
    const digit = /^[1-9]$/.test(event.key)
    const action = ACTION_OF_KEY[event.key.toLowerCase()]
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
    else this.actions[action]()
  }
}
