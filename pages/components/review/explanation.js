const EXPLANATION_POLL_MS = 400
const EXPLANATION_LIMIT_MS = 90_000

/** What a model looked at: its Grad-CAM picture, laid over the photo. */
class Explanation {
  constructor(root) {
    this.root = root
    this.frame = root.querySelector('[data-role="frame"]')
    this.badge = root.querySelector('[data-role="badge"]')
    this.words = root.querySelector('[data-role="badge-words"]')
    this.agreement = root.querySelector('[data-role="agreement"]')
    this.shown = null // id of the prediction that is explained
    this.turn = 0 // counts what was shown: the same prediction may come again
  }

  /** Show the opinion's picture, or hide the one that is shown. */
  toggle(opinion) {
    if (this.shown) this.hide()
    else if (opinion) this.show(opinion)
  }

  async show(opinion) {
    const again = this.shown === opinion.prediction_id
    this.hide()
    if (again) return
    this.shown = opinion.prediction_id
    const turn = this.turn
    this.press(true)
    this.say(`Grad-CAM of ${opinion.model}: being drawn…`)
    try {
      const category = opinion.top[0].category
      const address = await this.waitFor(turn, opinion.prediction_id, category)
      if (this.turn !== turn) return
      const img = element("img", "overlay")
      img.alt = `Grad-CAM of ${opinion.model}`
      img.src = address
      await img.decode()
      if (this.turn !== turn) return
      this.frame.append(img)
      this.say(`Grad-CAM of ${opinion.model} for ${leaf(category.path)}`)
      this.compare(turn, opinion.prediction_id, category)
    } catch (error) {
      if (this.turn === turn) this.say(`Grad-CAM: ${error.message}`)
    }
  }

  /** Say how far the maps of all models lie in the same place; those of the others are drawn now. */
  async compare(turn, predictionId, category) {
    try {
      const address = await this.waitFor(turn, predictionId, category, "/agreement")
      const { overlap, by_chance, models } = await fetchJson(address)
      if (this.turn !== turn || overlap === null) return
      this.agreement.textContent = `${models} models look at the same place: ${percent(overlap)}`
      this.agreement.title =
        "How much of the fifth of the photo that each model looks at most is the same, on average. " +
        `Unrelated maps have ${percent(by_chance)} in common.`
      this.agreement.dataset.overlap = overlap
      this.agreement.hidden = false
    } catch {
      return // the picture stands by itself
    }
  }

  /** Ask until the worker has drawn it; return the address that answers. */
  async waitFor(turn, predictionId, category, what = "") {
    const address = `/api/explanations/${predictionId}${what}?category_id=${category.id}`
    const until = performance.now() + EXPLANATION_LIMIT_MS
    while (performance.now() < until && this.turn === turn) {
      const response = await fetch(address)
      if (response.status === 200) return address
      if (response.status !== 202) throw new Error((await response.json()).message)
      await wait(EXPLANATION_POLL_MS)
    }
    throw new Error("the worker has not drawn it; is it running?")
  }

  hide() {
    this.press(false)
    this.shown = null
    this.turn += 1
    this.badge.hidden = true
    this.agreement.hidden = true
    this.root.querySelector(".overlay")?.remove()
  }

  press(pressed) {
    const all = `[data-action="explain"], [data-prediction="${this.shown}"]`
    for (const each of this.root.querySelectorAll(all)) {
      each.setAttribute("aria-pressed", String(pressed))
    }
  }

  say(words) {
    this.words.textContent = words
    this.badge.hidden = false
  }
}
