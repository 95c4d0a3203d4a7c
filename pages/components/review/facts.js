const KIND_WORDS = { accept: "Accepted", correct: "Corrected", reject: "Rejected", skip: "Skipped" }
const SOURCE_WORDS = { models: "sure on average", examples: "like its examples; no model knows it" }
const NONE_WORDS = {
  models: "No model is in use: choose a category yourself with E.",
  hidden: "Left out here, to see what you say without it: choose a category with E.",
}
const STATE_WORDS = {
  auto_accepted: "Accepted by itself",
  accepted: "Accepted",
  corrected: "Corrected",
  rejected: "Rejected",
  published: "Published",
  received: "Waiting for the models",
  processing: "Waiting for the models",
}

/** Everything beside the photo: suggestion, claim, flags, what each model says. */
class Facts {
  constructor(root, { onTake, onExplain, onJudge }) {
    this.root = root
    this.onTake = onTake
    this.onExplain = onExplain
    this.onJudge = onJudge
  }

  part(role) {
    return this.root.querySelector(`[data-role="${role}"]`)
  }

  draw(item) {
    const { listing } = item
    this.part("title").textContent = listing.title || listing.sku
    this.part("about").textContent = aboutOf(listing)
    this.part("story").href = `/listing?id=${listing.id}`
    const suggested = listing.suggested
    this.part("suggested").textContent = suggested ? leaf(suggested.path) : "none"
    this.part("suggested-path").textContent = suggested
      ? `${suggested.path} · ${percent(1 - listing.doubt)} ${SOURCE_WORDS[listing.source]}`
      : NONE_WORDS[listing.source]
    this.drawDecided(item)
    this.drawClaimed(listing)
    this.drawFlags(listing)
    this.drawModels(listing, 0)
  }

  drawDecided(item) {
    const done = item.decision ?? lastDecision(item)
    const part = this.part("decided")
    part.hidden = item.open && !item.skipped
    if (part.hidden) return
    const known = item.skipped ? KIND_WORDS.skip : (STATE_WORDS[item.listing.state] ?? "")
    const word = done ? KIND_WORDS[done.kind] : known
    const category = done?.category ? ` as ${leaf(done.category.path)}` : ""
    const by = done?.by ? ` by ${done.by}` : ""
    const more = item.skipped ? "You can still decide it." : done ? "Z takes it back." : ""
    part.textContent = `${word}${category}${by}. ${more}`
  }

  drawClaimed(listing) {
    const part = this.part("claimed")
    part.hidden = !listing.claimed
    if (!listing.claimed) return
    const same = listing.claimed.id === listing.suggested?.id
    const words = element("span", "muted", same ? "The seller says the same" : "The seller says ")
    part.className = same ? "claimed same" : "claimed other"
    part.replaceChildren(words)
    if (!same) part.append(this.choiceButton(listing, listing.claimed, "chip"))
  }

  drawFlags(listing) {
    this.part("flags").hidden = listing.flags.length === 0
    this.part("flags").replaceChildren(
      ...listing.flags.map((flag) => {
        const row = element("li", `flag ${flag.wrong_by ? "wrong" : flag.severity}`)
        row.append(element("strong", "", flag.label), element("span", "", flag.reason))
        if (flag.wrong_by) row.append(element("em", "", `Wrong, says ${flag.wrong_by}`))
        if (listing.state !== "published") row.append(this.judgeButton(listing, flag))
        return row
      }),
    )
  }

  judgeButton(listing, flag) {
    const isWrong = !flag.wrong_by
    const made = button("judge", ({ detail }) => {
      made.disabled = true // until the flags are drawn anew
      this.onJudge(listing, flag, { isWrong, byKey: detail === 0 })
    })
    made.textContent = isWrong ? "Flag is wrong" : "Take back"
    made.dataset.flag = flagName(flag)
    made.setAttribute("aria-label", `${made.textContent}: ${flag.label}`)
    return made
  }

  /** Put the focus back on the button of a flag, which was drawn anew. */
  focusFlag(flag) {
    this.part("flags").querySelector(`[data-flag="${flagName(flag)}"]`)?.focus()
  }

  drawModels(listing, photoIndex) {
    const opinions = listing.photos[photoIndex]?.opinions ?? []
    this.part("models").replaceChildren(
      ...opinions.map((opinion) => this.modelCard(listing, opinion)),
    )
    if (!opinions.length && listing.photos.length && listing.source !== "hidden") {
      this.part("models").append(element("p", "muted", "No model has looked at this photo."))
    }
  }

  modelCard(listing, opinion) {
    const card = element("section", "model")
    card.setAttribute("aria-label", opinion.model)
    const head = element("header")
    const look = button("quiet", () => this.onExplain(opinion))
    look.textContent = "Grad-CAM"
    look.dataset.prediction = opinion.prediction_id
    look.setAttribute("aria-pressed", "false")
    look.setAttribute("aria-label", `Grad-CAM of ${opinion.model}`)
    head.append(element("h3", "", opinion.model), look)
    const rows = opinion.top.map((suggestion) => this.bar(listing, suggestion))
    card.append(head, ...rows)
    return card
  }

  bar(listing, { category, probability }) {
    const row = this.choiceButton(listing, category, "bar")
    row.style.setProperty("--share", probability)
    row.append(element("span", "value", percent(probability)))
    return row
  }

  /** A category to click on, with its number if it has one. */
  choiceButton(listing, category, className) {
    const made = button(className, () => this.onTake(category))
    const position = listing.choices.findIndex((choice) => choice.category.id === category.id)
    made.append(element("kbd", position < 0 ? "none" : "", position < 0 ? "" : position + 1))
    made.append(element("span", "name", leaf(category.path)))
    made.title = category.path
    made.setAttribute("aria-label", `Decide: ${category.path}`)
    return made
  }
}

const flagName = (flag) => `${flag.listing_image_id}/flags/${flag.kind}`

function aboutOf(listing) {
  const price = listing.price === null ? "" : Number(listing.price).toFixed(2)
  const sku = listing.title ? listing.sku : ""
  return [sku, listing.brand, listing.seller, price, listing.batch_name].filter(Boolean).join(" · ")
}
