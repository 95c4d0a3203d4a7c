// The frame round a part of a photo: drawn and moved by mouse, finger or keys.

const WHOLE = 1000 // thousandths of the photo's sides
const LEAST = 20
const STEP = 20
const FIRST = { left: 250, top: 250, width: 500, height: 500 }
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

const between = (low, value, high) => Math.min(Math.max(value, low), high)

class Frame {
  constructor({ stage, box }) {
    this.stage = stage
    this.box = box
    this.place = null
    stage.addEventListener("pointerdown", (event) => this.begin(event))
    box.addEventListener("keydown", (event) => this.press(event))
  }

  /** Show the frame that an address names, the first one, or none. */
  set(text) {
    const numbers = (text ?? "").split("-").map(Number)
    const isRegion = numbers.length === 4 && numbers.every(Number.isInteger)
    const [left, top, width, height] = numbers
    this.show(isRegion ? { left, top, width, height } : null)
  }

  open() {
    this.show({ ...FIRST })
    this.box.focus()
  }

  /** The frame as it stands in addresses. */
  get text() {
    const { left, top, width, height } = this.place
    return [left, top, width, height].join("-")
  }

  show(place) {
    this.place = place
    this.box.hidden = !place
    if (!place) return
    for (const side of ["left", "top", "width", "height"]) {
      this.box.style[side] = `${place[side] / 10}%`
    }
  }

  begin(event) {
    const corner = event.target.dataset?.corner
    const isOnBox = corner !== undefined || event.target === this.box
    // A finger beside the frame scrolls the page; the mouse draws a new one there.
    if (!this.place || event.button || (!isOnBox && event.pointerType !== "mouse")) return
    event.preventDefault()
    this.box.focus({ preventScroll: true })
    const start = this.find(event)
    const before = { ...this.place }
    const move = corner || !isOnBox ? this.resizing(corner, before, start) : this.moving(before, start)
    const onMove = (moved) => this.show(move(this.find(moved)))
    const onEnd = () => {
      this.stage.removeEventListener("pointermove", onMove)
      for (const name of ["pointerup", "pointercancel"]) this.stage.removeEventListener(name, onEnd)
    }
    this.stage.setPointerCapture(event.pointerId)
    this.stage.addEventListener("pointermove", onMove)
    for (const name of ["pointerup", "pointercancel"]) this.stage.addEventListener(name, onEnd)
  }

  /** Where the pointer is, in thousandths. */
  find(event) {
    const { left, top, width, height } = this.stage.getBoundingClientRect()
    const scaled = (offset, length) => between(0, Math.round((WHOLE * offset) / length), WHOLE)
    return { x: scaled(event.clientX - left, width), y: scaled(event.clientY - top, height) }
  }

  moving(before, start) {
    return ({ x, y }) => ({
      ...before,
      left: between(0, before.left + x - start.x, WHOLE - before.width),
      top: between(0, before.top + y - start.y, WHOLE - before.height),
    })
  }

  /** The corner that stays: opposite of the one that is dragged, or where drawing began. */
  resizing(corner, before, start) {
    const fixed = corner
      ? {
          x: corner.endsWith("w") ? before.left + before.width : before.left,
          y: corner.startsWith("n") ? before.top + before.height : before.top,
        }
      : start
    return ({ x, y }) => {
      const width = Math.max(LEAST, Math.abs(x - fixed.x))
      const height = Math.max(LEAST, Math.abs(y - fixed.y))
      return {
        left: between(0, Math.min(x, fixed.x), WHOLE - width),
        top: between(0, Math.min(y, fixed.y), WHOLE - height),
        width,
        height,
      }
    }
  }

  press(event) {
    const way = ARROWS[event.key]
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    const [x, y] = way.map((each) => each * STEP)
    const { left, top, width, height } = this.place
    if (event.shiftKey) {
      this.show({
        left,
        top,
        width: between(LEAST, width + x, WHOLE - left),
        height: between(LEAST, height + y, WHOLE - top),
      })
    } else {
      this.show({
        width,
        height,
        left: between(0, left + x, WHOLE - width),
        top: between(0, top + y, WHOLE - height),
      })
    }
  }
}
