// Small things that every part of the workstation uses. The files of this folder are put
// together into one module, so they share their names.

const leaf = (path) => path.split(" > ").at(-1)
const percent = (probability) => `${Math.round(probability * 100)}%`
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve))

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function button(className, onClick) {
  const made = element("button", className)
  made.type = "button"
  made.onclick = onClick
  return made
}

async function fetchJson(address, options) {
  const response = await fetch(address, options)
  const body = await response.json()
  if (!response.ok) throw new Error(body.message ?? `the server answered ${response.status}`)
  return body
}

function putJson(address, body) {
  return fetchJson(address, {
    method: "PUT",
    keepalive: true,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  })
}

