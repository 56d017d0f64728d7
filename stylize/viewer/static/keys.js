// What keys do while the view or one of its controls has the focus.

const LETTERS = { l: "loop", o: "overlay", f: "follow", r: "reset", "+": "nearer", "=": "nearer", "-": "farther" };
const KEYS = {
  ArrowLeft: "back",
  ArrowRight: "forward",
  ArrowUp: "faster",
  ArrowDown: "slower",
  Home: "start",
  End: "end",
};
const WITH_SHIFT = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

/** The name of what a key does, or null: sliders, lists and buttons keep the keys that are theirs. */
function actionOfKey(event, onStage) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const { tagName } = event.target;
  if (tagName === "SELECT") return null;
  if (event.key === " ") return tagName === "BUTTON" ? null : "play";
  const letter = LETTERS[event.key.toLowerCase()];
  if (letter) return letter;
  if (!onStage && tagName !== "BUTTON") return null;
  return (event.shiftKey && WITH_SHIFT[event.key]) || KEYS[event.key] || null;
}
