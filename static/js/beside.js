// From 1600 px on, the review of the row one is in stands beside the list, to be read. It decides nothing: that is done on the request's own page.
import { said } from "./words.js";

const pane = document.getElementById("beside");
const wide = matchMedia("(min-width: 1600px)");
const links = [...document.querySelectorAll(".queue a.open")];
let shown = null;
let wait = 0;
let asked = new AbortController();

async function bring(link) {
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  shown?.removeAttribute("aria-current");
  shown = link;
  link.setAttribute("aria-current", "true");
  pane.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.dataset.beside, { signal, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    pane.replaceChildren(...page.body.childNodes);
    for (const button of pane.querySelectorAll("button[data-copy]")) button.hidden = false;
    pane.scrollTop = 0;
  } catch {
    if (signal.aborted) return;
    const words = document.createElement("p");
    words.className = "card";
    words.textContent = said("It could not be shown here. Open it instead.");
    pane.replaceChildren(words);
  }
  pane.removeAttribute("aria-busy");
}

function show(link) {
  clearTimeout(wait);
  // Whoever goes on at once did not stop to read.
  if (wide.matches && link && link !== shown) wait = setTimeout(() => wide.matches && bring(link), 150);
}

const linkOf = (target) => links.find((link) => link.closest("tr") === target.closest(".queue tbody tr"));

function change() {
  pane.hidden = !wide.matches;
  if (wide.matches && !shown) show(linkOf(document.activeElement) ?? links[0]);
}

if (pane && links.length) {
  const list = document.querySelector(".queue tbody");
  list.addEventListener("focusin", (event) => show(linkOf(event.target)));
  list.addEventListener("click", (event) => event.target.closest("a, input, button, label") || show(linkOf(event.target)));
  wide.addEventListener("change", change);
  change();
}
