// Copy buttons and the full digests beside them. Without this script the buttons stay hidden and nothing is lost.
import { said } from "./words.js";

const status = document.getElementById("status");

function announce(words) {
  const line = document.createElement("span");
  line.className = "visually-hidden";
  line.textContent = words;
  status?.append(line);
  setTimeout(() => line.remove(), 2000);
}

for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
    announce(said("Copied"));
  } catch {
    announce(said("The browser did not allow copying"));
  }
});

// WCAG 1.4.13: what appears on hover or focus goes away with Escape, and comes back with the next hover or focus.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const digest of document.querySelectorAll(".digest:is(:hover, :focus-within)")) digest.classList.add("quiet");
});
for (const kind of ["mouseover", "focusin"]) {
  document.addEventListener(kind, (event) => {
    for (const digest of document.querySelectorAll(".digest.quiet")) if (!digest.contains(event.target)) digest.classList.remove("quiet");
  });
}
