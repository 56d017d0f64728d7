// What stands over and beside the picture: labels, and the facts in words where nothing can be drawn.

/** An element with a class and children; text is never read as HTML, since names come from people's files. */
function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Fills the stage with a panel for each track, and returns them: { root, progress, track, index, ghost }. */
function makePanels(container, tracks) {
  const content = tracks.findIndex((track) => track.role === "content");
  const results = tracks.filter((track) => track.role === "result").length;
  const panels = tracks.map((track, index) => {
    const title = make("div", "", make("i"), make("b", "", track.title));
    const overlays = track.role === "result" && content >= 0;
    if (overlays) {
      const note = make("small", "viewer-ghost-note", make("i"), tracks[content].title);
      note.style.setProperty("--accent", tracks[content].color);
      title.append(note);
    }
    const label = make("div", "viewer-label", title, make("small", "", track.subtitle || seconds(track.duration)));
    const progress = make("i");
    const root = make("div", "viewer-panel", label, make("div", "viewer-progress", progress));
    root.classList.add(`viewer-${track.role}`);
    root.classList.toggle("viewer-large", tracks.length === 1 || (track.role === "result" && results === 1));
    root.style.setProperty("--accent", track.color);
    return { root, progress, track, index, ghost: overlays ? content : -1 };
  });
  for (const [name, most] of [["--columns", 5], ["--few-columns", 3]]) {
    container.style.setProperty(name, balancedColumns(tracks.length, most));
  }
  container.replaceChildren(...panels.map((panel) => panel.root));
  return panels;
}

/** So many panels a row that the rows are about equally full. */
function balancedColumns(count, most) {
  return Math.ceil(count / Math.ceil(count / most)) || 1;
}

/** The motions in words. */
function describe(tracks) {
  const list = make("ul");
  for (const track of tracks) {
    const name = track.subtitle ? `${track.title} (${track.subtitle})` : track.title;
    const facts = `: ${seconds(track.duration)}, ${track.frames} frames, moves ${track.travel.toFixed(1)} m`;
    list.append(make("li", "", make("b", "", name), facts));
  }
  return list;
}

function seconds(value) {
  return `${value.toFixed(1)} s`;
}

/** The colours that the stylesheet gives, as the renderer wants them. */
function readPalette(element) {
  const style = getComputedStyle(element);
  const color = (name) => parseColor(style.getPropertyValue(`--viewer-${name}`));
  const dark = style.getPropertyValue("--viewer-dark").trim() === "1";
  return {
    paper: color("paper"),
    floor: color("floor"),
    grid: color("grid"),
    gridStrength: dark ? 0.55 : 0.6,
    shadowStrength: dark ? 0.62 : 0.4,
    rimStrength: dark ? 0.32 : 0.12,
    ghost: (track) => (dark ? mixColors(parseColor(track.color), [1, 1, 1], 0.55) : parseColor(track.color)),
    accent: (track) => (dark ? mixColors(parseColor(track.color), [1, 1, 1], 0.2) : parseColor(track.color)),
  };
}
