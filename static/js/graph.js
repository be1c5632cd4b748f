// The arrow keys walk over the chain picture: right and left along the lines, up and down within a column. Every box is a
// link that Tab reaches as well, so nothing is lost without this script.
const picture = document.querySelector("svg.picture");

picture?.addEventListener("keydown", (event) => {
  const box = event.target.closest("a.box");
  if (!box || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const boxes = [...picture.querySelectorAll(`a.box[data-column="${box.dataset.column}"]`)];
  const along = (keys) => keys && document.getElementById(`node-${keys.split(" ")[0]}`);
  const next = {
    ArrowRight: () => along(box.dataset.ahead),
    ArrowLeft: () => along(box.dataset.behind),
    ArrowDown: () => boxes[boxes.indexOf(box) + 1],
    ArrowUp: () => boxes[boxes.indexOf(box) - 1],
  }[event.key];
  if (!next) return;
  event.preventDefault();
  const found = next();
  found?.focus();
  found?.scrollIntoView({ block: "nearest", inline: "nearest" });
});
