// Questions to the server.

/** Return what the server answers; an error has its `status`, none where it was not reached. */
async function ask(address, options) {
  const answer = await fetch(address, options).catch((error) => {
    if (error.name === "AbortError") throw error
    throw new Error("the server cannot be reached; try again")
  })
  const said = await answer.json().catch(() => null)
  if (answer.ok && said) return said
  const words = said?.message ?? `the server's answer (${answer.status}) broke off; try again`
  throw Object.assign(new Error(words), { status: answer.status })
}

/** "no listing 7" → "No listing 7." */
function asSentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/\.$/, "")}.`
}
