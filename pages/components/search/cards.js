// What was found, a card each: the photo, the name, and ways on.

const leaf = (path) => path.split(" > ").at(-1)
const count = (number, noun, plural = `${noun}s`) =>
  `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`

function element(tag, { className = "", text, ...rest } = {}) {
  const made = Object.assign(document.createElement(tag), rest)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

const nameOf = (hit) => hit.title || hit.sku
const viewOf = (hit) => `/api/images/${hit.sha256}/view`

/** A listing that was found; `onAlike` is called where more like it are asked for. */
function makeCard(hit, onAlike) {
  const name = nameOf(hit)
  const photo = element("a", {
    className: "photo",
    href: viewOf(hit),
    target: "_blank",
    title: name,
  })
  photo.append(
    element("img", { src: `/api/images/${hit.sha256}/thumb`, alt: name, loading: "lazy" }),
  )
  const words = element("figcaption")
  words.append(
    element("a", { text: name, href: `/listing?id=${hit.listing_id}` }),
    ...tellOf(hit).map((text) => element("span", { text })),
    makeAlike(hit, onAlike),
  )
  const card = element("figure")
  card.append(photo, words)
  return card
}

function tellOf(hit) {
  const said = [hit.category ? leaf(hit.category) : "no category"]
  if (hit.score !== null) said.push(`${hit.score.toFixed(2)} alike`)
  if (hit.copies) said.push(`and ${count(hit.copies, "copy", "copies")}`)
  return said
}

/** A link, so that it opens in another tab where that is asked for. */
function makeAlike(hit, onAlike) {
  const link = element("a", {
    text: "More like this",
    href: `/search?listing=${hit.listing_id}&varied=true`,
  })
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    onAlike(hit)
  })
  return link
}
