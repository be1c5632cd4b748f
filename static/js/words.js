// What the scripts say, in the reader's language: the page brings the words it has translations for, and English is what stands in the code.
const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}");

export function said(message, values = {}) {
  return (words[message] ?? message).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
