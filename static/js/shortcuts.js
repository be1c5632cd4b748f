// Keys that lead somewhere: ? for the list, g and a letter for a room, / for the search field. Off where the reader turned them off, and
// never while somebody types (WCAG 2.1.4: they can be turned off, and each but ? and / takes two keys).
const PLACES = {
  q: ["Queue", "/queue"],
  a: ["Artifacts", "/artifacts"],
  i: ["Identities", "/identities"],
  l: ["Log", "/log"],
  s: ["Settings", "/settings"],
};
const WAIT = 1500;
let begun = 0;

function isTyping(element) {
  return element.isContentEditable || element.closest("input:not([type=checkbox], [type=radio]), textarea, select, [role=textbox]") !== null;
}

function line(keys, words) {
  const row = document.createElement("li");
  for (const key of keys) {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    row.append(cap, " ");
  }
  row.append(words);
  return row;
}

function showHelp() {
  let dialog = document.getElementById("shortcuts");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "shortcuts";
    dialog.className = "card shortcuts";
    dialog.setAttribute("aria-labelledby", "shortcuts-heading");
    const heading = document.createElement("h2");
    heading.id = "shortcuts-heading";
    heading.textContent = "Keyboard shortcuts";
    const list = document.createElement("ul");
    list.append(line(["?"], "This list"), line(["/"], "Go to the search field, where there is one"));
    for (const [key, [words]] of Object.entries(PLACES)) list.append(line(["g", key], words));
    const off = document.createElement("a");
    off.href = "/settings/appearance";
    off.textContent = "Turn them off";
    const close = document.createElement("button");
    close.className = "button";
    close.type = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    const foot = document.createElement("p");
    foot.className = "buttons";
    foot.append(close, off);
    dialog.append(heading, list, foot);
    document.body.append(dialog);
  }
  if (!dialog.open) dialog.showModal();
}

if (document.documentElement.dataset.shortcuts === "on") {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const place = PLACES[event.key];
    if (place && Date.now() - begun < WAIT) location.assign(place[1]);
    begun = event.key === "g" ? Date.now() : 0;
    if (event.key === "?") showHelp();
    if (event.key !== "/") return;
    const field = document.querySelector("main input[type=search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
}
