// Photos that are dropped anywhere on the search, or pasted anywhere on the page.

const isPhoto = ({ name, type }) => type.startsWith("image/") || /\.hei[cf]$/i.test(name)

function listenToDrops(root, { signal, onFile }) {
  const zone = root.querySelector('[data-role="zone"]')
  const over = (isOver) => zone.classList.toggle("over", isOver)
  root.addEventListener(
    "dragover",
    (event) => {
      if (!event.dataTransfer.types.includes("Files")) return
      event.preventDefault()
      over(true)
    },
    { signal },
  )
  root.addEventListener("dragleave", () => over(false), { signal })
  root.addEventListener(
    "drop",
    (event) => {
      const files = [...event.dataTransfer.files]
      over(false)
      if (!files.length) return
      event.preventDefault() // or the browser would leave the page for the file
      onFile(files.find(isPhoto) ?? files[0])
    },
    { signal },
  )
  document.addEventListener(
    "paste",
    (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find(isPhoto)
      if (!file || isWriting(event)) return
      event.preventDefault()
      onFile(file)
    },
    { signal },
  )
}

/** Whether words are pasted where one writes: what is copied from a table has a picture, too. */
function isWriting(event) {
  const { tagName } = event.composedPath()[0]
  return ["INPUT", "TEXTAREA"].includes(tagName) && event.clipboardData.types.includes("text/plain")
}
