// Ctrl or Cmd and K opens a list of pages and search results: arrows choose, Enter goes, Escape closes. It is off where the
// reader turned shortcuts off (then the dialog is not there); the top bar links to the same search for everybody.
import { said } from "./words.js";

const dialog = document.getElementById("palette");
const field = document.getElementById("palette-q");
const list = document.getElementById("palette-list");
const WAIT = 120;
let timer;
let asked;
let chosen = -1;

const options = () => [...list.querySelectorAll("[role=option]")];

function choose(index) {
  const all = options();
  chosen = all.length ? (index + all.length) % all.length : -1;
  all.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
  if (chosen < 0) return field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-activedescendant", all[chosen].id);
  all[chosen].scrollIntoView({ block: "nearest" });
}

function make(tag, role, words) {
  const element = document.createElement(tag);
  if (role) element.setAttribute("role", role);
  element.textContent = words;
  return element;
}

function show(groups) {
  let count = 0;
  list.replaceChildren(
    ...groups.map((group, at) => {
      const box = make("div", "group", "");
      const name = make("p", "presentation", group.name);
      name.id = `palette-group-${at}`;
      box.setAttribute("aria-labelledby", name.id);
      const hits = group.hits.map((hit) => {
        const option = make("div", "option", hit.words);
        option.id = `palette-${count++}`;
        option.dataset.href = hit.href;
        if (hit.line) option.append(" ", make("span", "", hit.line));
        return option;
      });
      box.append(name, ...hits);
      return box;
    }),
  );
  // A list of nothing is no list.
  list.hidden = !count;
  field.setAttribute("aria-expanded", String(count > 0));
  dialog.querySelector("[role=status]").textContent = count ? said("{count} to choose from", { count }) : said("Nothing found. Enter searches everything.");
  choose(0);
}

async function ask() {
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await fetch(`${field.dataset.from}?q=${encodeURIComponent(field.value)}`, { signal: asked.signal });
    if (answer.ok) show((await answer.json()).groups);
  } catch (error) {
    if (error.name !== "AbortError") show([]);
  }
}

function go(href) {
  // Only ever an address of this portal.
  if (href?.startsWith("/") && !href.startsWith("//")) location.assign(href);
}

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.ctrlKey === event.metaKey || event.altKey || event.shiftKey) return;
    if (!dialog.open && document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (dialog.open) return dialog.close();
    field.value = "";
    dialog.showModal();
    ask();
  });
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  field.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      choose(chosen + move);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const option = options()[chosen];
      go(option ? option.dataset.href : `${field.dataset.search}?q=${encodeURIComponent(field.value)}`);
    }
  });
  list.addEventListener("click", (event) => go(event.target.closest("[role=option]")?.dataset.href));
}
