const NOTICE_MS = 8_000

/** Words around the listing: how many are left, what is unsent, what went wrong, the end. */
class Notices {
  constructor(root) {
    this.root = root
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  drawRemaining({ filters, remaining }) {
    const words = filters.state ? "shown" : "to review"
    this.part("remaining").textContent = `${Math.max(0, remaining).toLocaleString("en")} ${words}`
  }

  /** Say in a quiet sentence what a reviewer has a right to know; empty says nothing. */
  tell(words) {
    this.part("told").textContent = words
    this.part("told").hidden = !words
  }

  drawUnsent({ failures, isSignedOut, size }) {
    const part = this.part("unsent")
    part.hidden = failures === 0
    const what = isSignedOut ? "you are signed out: sign in again in another tab" : "trying again…"
    if (failures) part.textContent = `${size} not saved yet, ${what}`
    this.root.dataset.unsent = size
  }

  /** Show a message in place of the listing, with a button if there is something to do. */
  showMessage(title, text, action) {
    this.part("stage").hidden = true
    this.part("actions").hidden = true
    this.part("message").hidden = false
    this.part("message-title").textContent = title
    this.part("message-text").textContent = text
    this.part("message-button").hidden = action === null
    this.part("message-button").textContent = action ?? ""
  }

  showLoading() {
    this.showMessage("Loading…", "", null)
  }

  showProblem(error) {
    this.showMessage("This did not work", error.message, "Try again")
  }

  showEnd({ putOff, decided }) {
    if (putOff) {
      const listings = putOff === 1 ? "1 listing was" : `${putOff} listings were`
      this.showMessage("That was the last one", `${listings} skipped.`, "Go through them again")
    } else if (decided) {
      this.showMessage("All done", "Nothing is left in this queue.", "Look for more")
    } else {
      const words =
        "New listings appear here by themselves as soon as the models are through. " +
        "The filters above may hide others."
      this.showMessage("Nothing to review here", words, null)
    }
    if (decided) this.drawEndUndo()
  }

  /** At the end of the queue the last decision can still be taken back. */
  drawEndUndo() {
    this.part("actions").hidden = false
    for (const each of this.root.querySelectorAll(".single-actions button")) {
      each.disabled = each.dataset.action !== "undo"
    }
  }

  notify(words) {
    const part = this.part("notice")
    part.textContent = words
    part.hidden = false
    clearTimeout(this.noticeTimer)
    this.noticeTimer = setTimeout(() => (part.hidden = true), NOTICE_MS)
  }

  say(words) {
    this.part("spoken").textContent = words
  }
}
