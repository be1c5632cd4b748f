// The review page by keyboard, and the button that says what is still missing. a leads to the decision and never signs; the page works
// without any of this, and the portal asks all of it again.
import { said } from "./words.js";

const keys = document.getElementById("shortcuts") !== null;
const approve = document.getElementById("approve");
const button = document.getElementById("approve-button");
const wants = document.getElementById("approve-wants");
const boxes = approve ? [...approve.querySelectorAll("input[type=checkbox][name^=agree_]")] : [];
const signals = [...document.querySelectorAll(".blocks, .areas .signal")];
const status = document.getElementById("status");

const tails = approve ? [...approve.querySelectorAll("[name^=digest_tail]")] : [];
const short = () => tails.filter((tail) => tail.value.trim().length < Number(tail.dataset.least));
const unticked = () => boxes.filter((box) => !box.checked);
// What keeps the button from doing anything, in the order of the page.
const open = () => [...unticked(), ...short()];

function tell() {
  if (!wants) return;
  const left = unticked().length;
  button.setAttribute("aria-disabled", String(open().length > 0));
  if (left) wants.textContent = said("Tick what you accept first: {left} of {all} left.", { left, all: boxes.length });
  else wants.textContent = short().length ? said("Type the end of the digest first.") : said("Your passkey signs on the next page.");
}

boxes.forEach((box) => box.addEventListener("change", tell));
tails.forEach((tail) => tail.addEventListener("input", tell));
tell();
approve?.addEventListener("submit", (event) => {
  if (!open().length) return;
  event.preventDefault();
  open()[0].focus();
});

function step(by) {
  const at = signals.indexOf(document.activeElement);
  const next = signals[Math.min(Math.max(at + by, 0), signals.length - 1)];
  if (!next) return;
  next.tabIndex = -1;
  next.focus();
}

// To a neighbour in the list that this tab showed last.
function go(by) {
  let listed = [];
  try { listed = JSON.parse(sessionStorage.getItem("listed")) ?? []; } catch { /* not allowed */ }
  const at = listed.indexOf(location.pathname);
  if (at >= 0 && listed[at + by]) location.assign(listed[at + by]);
}

const acts = {
  j: () => go(1),
  k: () => go(-1),
  d: () => document.querySelector(".delegate")?.click(),
  a: () => (open()[0] ?? button ?? document.getElementById("decision"))?.focus(),
  r: () => document.getElementById("request-changes-button")?.click(),
  R: () => document.getElementById("reject-button")?.click(),
  n: () => step(1),
  p: () => step(-1),
  e: () => {
    const row = document.activeElement.closest("tr");
    const all = [...(row ?? document.querySelector(".areas") ?? document).querySelectorAll("details")];
    const show = all.some((item) => !item.open);
    all.forEach((item) => { item.open = show; });
  },
  b: () => document.getElementById("other-baseline")?.click(),
  c: () => document.getElementById("comment-text")?.focus(),
  y: () => document.querySelector(".review-head .copy, .artifact-facts .copy")?.click(),
  u: () => document.querySelector(".crumb a")?.click(),
};

let begun = 0;
if (keys) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.defaultPrevented) return;
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [role=textbox]");
    if (typing || document.querySelector("dialog[open], :popover-open")) return;
    const leads = Date.now() - begun < 1500;
    begun = event.key === "g" ? Date.now() : 0;
    if (!acts[event.key] || leads) return;
    event.preventDefault();
    acts[event.key]();
  });
}

// Asks now and then whether this is still the newest page, and says so; it never changes what is being read.
const frozen = document.querySelector("[data-snapshot]");
async function look() {
  if (document.hidden) return;
  const answer = await fetch(frozen.dataset.now, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { snapshot } = await answer.json();
  if (snapshot === frozen.dataset.snapshot) return;
  clearInterval(timer);
  const link = Object.assign(document.createElement("a"), { href: `?shown=${frozen.dataset.snapshot}`, textContent: said("See what changed") });
  const notice = document.createElement("div");
  notice.className = "notice warn";
  notice.append(`${said("This request changed while you were reading, and nothing on this page can be signed any more.")} `, link);
  status.append(notice);
}
// How long the page was in front of its reader, for them alone; told when it is left.
const token = document.querySelector("[name=csrfmiddlewaretoken]");
const opened = new Set();
// Where nothing is folded, every change is in front of the reader, and there is nothing to open.
const unfolded = document.querySelector(".areas details:not([open])") ? 0 : document.querySelectorAll(".areas .differences").length;
let shownSince = document.hidden ? 0 : Date.now();
let seconds = 0;
document.querySelector(".areas")?.addEventListener("toggle", (event) => event.target.open && opened.add(event.target), true);
function leave() {
  if (document.visibilityState === "hidden" && shownSince) {
    seconds += (Date.now() - shownSince) / 1000;
    shownSince = 0;
    const said = new FormData();
    const read = { snapshot: frozen.dataset.snapshot, seconds: Math.round(seconds), opened: Math.max(opened.size, unfolded), csrfmiddlewaretoken: token.value };
    Object.entries(read).forEach(([name, value]) => said.append(name, value));
    seconds = 0;
    navigator.sendBeacon(frozen.dataset.reading, said);
  } else if (document.visibilityState === "visible") shownSince = Date.now();
}
if (frozen && token) document.addEventListener("visibilitychange", leave);

// What is not part of the frozen page comes after it, so that the page itself is there at once.
async function bring() {
  const answer = await fetch(frozen.dataset.live);
  if (!answer.ok) return;
  const parts = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const name of ["aside", "main"]) {
    document.getElementById(`live-${name}`).replaceChildren(...parts.querySelector(`[data-live=${name}]`).childNodes);
  }
}
if (frozen) bring().catch(() => {});
const timer = frozen && setInterval(() => look().catch(() => {}), 20000);
