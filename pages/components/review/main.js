// The review workstation. One listing at a time, one key a decision.
//
// A decision is shown at once and sent behind the reviewer's back; until the server has
// acknowledged it, it stays in the outbox and in localStorage. Text from the catalog only
// ever enters the page as textContent.

const screens = new WeakMap()

export default function ({ parentElement, data }) {
  let screen = screens.get(parentElement)
  if (!screen) {
    screen = new Screen(parentElement.querySelector(".review"), data.user)
    screens.set(parentElement, screen)
  }
  screen.notices.tell(data.told)
  screen.open(data)
  return () => {
    screen.close()
    screens.delete(parentElement)
  }
}
