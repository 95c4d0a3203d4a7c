const ZOOM_STEPS = [1, 2, 4]
const ZOOM_MAX = 6

/** The photo magnified: by key around its middle, by click, pinch or wheel around the pointer. */
class Zoom {
  constructor(root) {
    this.frame = root.querySelector('[data-role="frame"]')
    this.button = root.querySelector('[data-action="zoom"]')
    this.frame.addEventListener("click", (event) => this.onClick(event))
    this.frame.addEventListener("pointermove", (event) => this.aim(event))
    this.frame.addEventListener("wheel", (event) => this.onWheel(event), { passive: false })
    this.reset()
  }

  reset() {
    this.frame.style.setProperty("--at", "50% 50%")
    this.scale(1)
  }

  scale(factor) {
    this.factor = factor
    this.frame.style.setProperty("--zoom", factor)
    this.frame.classList.toggle("zoomed", factor > 1)
    this.button.setAttribute("aria-pressed", String(factor > 1))
  }

  /** The next step, and after the last one the whole photo again. */
  turn() {
    this.scale(ZOOM_STEPS.find((step) => step > this.factor) ?? 1)
  }

  onClick(event) {
    this.aim(event)
    this.scale(this.factor > 1 ? 1 : ZOOM_STEPS[1])
  }

  /** Pinching, or Ctrl and the wheel; the wheel alone once it is magnified: else the page scrolls. */
  onWheel(event) {
    if (!event.ctrlKey && this.factor === 1) return
    event.preventDefault()
    this.aim(event)
    this.scale(Math.min(ZOOM_MAX, Math.max(1, this.factor * Math.exp(-event.deltaY / 400))))
  }

  /** Keep what is under the pointer in sight. */
  aim({ clientX, clientY }) {
    const { left, top, width, height } = this.frame.getBoundingClientRect()
    const share = (at, start, size) => `${Math.round((100 * (at - start)) / size)}%`
    this.frame.style.setProperty("--at", `${share(clientX, left, width)} ${share(clientY, top, height)}`)
  }
}
