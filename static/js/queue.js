// The queue by keyboard, and a word about what came since it was drawn. It moves the focus among the links that are there, ticks boxes and
// presses buttons; it decides nothing, and the page works without it.
import { said } from "./words.js";

const keys = document.getElementById("shortcuts") !== null;
const links = [...document.querySelectorAll(".queue a.open")];
const form = document.getElementById("together");
const rowOf = (element) => element.closest(".queue tbody tr");
const here = () => links.find((link) => rowOf(link) === rowOf(document.activeElement));

function move(by) {
  const at = links.indexOf(here());
  // The first key leads to the first row, whichever way it points.
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.closest("tr").scrollIntoView({ block: "nearest" });
}

// Leads to what is done with what is ticked; where nothing is, with the row one is in.
function lead(to) {
  const control = form?.querySelector(to);
  if (!control) return;
  const box = here() && rowOf(here()).querySelector(".pick input");
  if (box && !form.querySelector(".pick :checked")) box.checked = true;
  if (form.querySelector(".pick :checked")) control.focus();
}

// Enter in a field presses the button beside it, not the first of the form.
form?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches(".bulk input")) return;
  event.preventDefault();
  event.target.parentElement.querySelector("button").click();
});

const acts = {
  j: () => move(1),
  k: () => move(-1),
  o: () => here()?.click(),
  x: () => here() && rowOf(here()).querySelector(".pick input")?.click(),
  s: () => lead("[name=until]"),
  c: () => lead("[name=text]"),
  d: () => here() && rowOf(here()).querySelector(".delegate")?.click(),
  u: leave,
  Escape: leave,
};

// Closes what is open, gives up what is ticked, and then clears the filters: each press undoes one thing.
function leave() {
  const open = document.querySelector(".views[open]");
  const ticked = form ? [...form.querySelectorAll(".pick :checked")] : [];
  if (open) open.open = false;
  else if (ticked.length) {
    for (const box of ticked) box.checked = false;
    if (!here()) links[0]?.focus();
  } else document.getElementById("clear-filters")?.click();
}

// For the keys of a request's page, which lead to the next of this list, in this tab alone.
try { sessionStorage.setItem("listed", JSON.stringify(links.map((link) => link.pathname))); } catch { /* not allowed: those keys do nothing */ }

let begun = 0;
if (keys) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [role=textbox]");
    if (typing || document.querySelector("dialog[open], :popover-open")) return;
    const leads = Date.now() - begun < 1500;
    begun = event.key === "g" ? Date.now() : 0;
    // Arrows belong to the page until the focus is in a row.
    const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const act = arrow ? here() && (() => move(arrow)) : acts[event.key];
    if (!act || leads) return;
    if (event.repeat && !arrow && !"jk".includes(event.key)) return;
    event.preventDefault();
    act();
  });
}

// Asks how many came since, while somebody looks, and says so beside the tabs. The rows stay where they are until the reader wants them.
const news = document.querySelector("#news[data-ask]");
const EVERY = 30000;
const MOST = 480000;
let wait = EVERY;

async function ask() {
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => setTimeout(ask, 1000), { once: true });
    return;
  }
  try {
    const answer = await fetch(news.dataset.ask, { headers: { Accept: "application/json" }, redirect: "error" });
    if (answer.status === 401 || answer.status === 403) return;
    if (!answer.ok) throw new Error(String(answer.status));
    const count = (await answer.json()).new;
    if (count) tell(count);
    wait = EVERY;
  } catch {
    wait *= 2;
  }
  if (wait <= MOST) setTimeout(ask, wait);
}

function tell(count) {
  const words = count > 98 ? said("99 or more new: show") : said("{count} new: show", { count });
  if (news.textContent === words) return;
  const link = Object.assign(document.createElement("a"), { href: news.dataset.show, className: "button", textContent: words });
  news.replaceChildren(link);
}

if (news) setTimeout(ask, EVERY);
