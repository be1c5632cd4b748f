// ? shows the list, g and a letter a room, / the search field. Off where the reader turned them off, and never
// while somebody types (WCAG 2.1.4: they can be turned off, and each but ? and / takes two keys).
const help = document.getElementById("shortcuts");
const WAIT = 1500;
let begun = 0;

const isTyping = (element) =>
  element.isContentEditable || element.closest("input:not([type=checkbox], [type=radio]), textarea, select, [role=textbox]") !== null;

if (help) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open], :popover-open")) return;
    const place = /^[a-z]$/.test(event.key) && help.querySelector(`[data-key=${event.key}]`);
    if (place && Date.now() - begun < WAIT) location.assign(place.href);
    begun = event.key === "g" ? Date.now() : 0;
    if (event.key === "?") help.showModal();
    if (event.key !== "/") return;
    const field = document.querySelector("main input[type=search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
}
