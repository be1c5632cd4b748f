// Sends the form's file and shows how far it is. Without this script the form is sent by the browser, which shows that its own way.
const MEGABYTE = 1024 * 1024;
const form = document.querySelector("form[data-upload]");
const part = (name) => form.querySelector(`[data-upload-${name}]`);
const [progress, amount, says, stop, leave] = ["progress", "amount", "says", "stop", "leave"].map(part);
const bar = progress.querySelector("progress");
const button = form.querySelector("button[type=submit]");

const megabytes = (bytes) => `${(bytes / MEGABYTE).toFixed(1)} MB`;

function say(words, tone = "") {
  says.textContent = words;
  says.className = `notice ${tone}`;
  says.hidden = !words;
}

function rest(words, tone) {
  progress.hidden = stop.hidden = true;
  leave.hidden = button.disabled = false;
  form.removeAttribute("aria-busy");
  say(words, tone);
  button.focus();
}

// Said aloud at each quarter only; the bar itself moves all the time.
function show(event) {
  if (!event.lengthComputable) return;
  const percent = Math.floor((100 * event.loaded) / event.total);
  bar.value = percent;
  amount.textContent = `${megabytes(event.loaded)} of ${megabytes(event.total)}`;
  const quarter = Math.floor(percent / 25) * 25;
  if (quarter && bar.dataset.said !== String(quarter)) say(`${(bar.dataset.said = quarter)} % sent.`);
}

function answer(request) {
  let told = {};
  try {
    told = JSON.parse(request.responseText);
  } catch {
    // A sign-in page, or a proxy's: not ours to read.
  }
  if (request.status === 201 && told.url) return location.assign(told.url);
  const reason = told.detail ? `${told.detail} (${told.code})` : "The portal did not answer as expected. Reload the page, sign in if it asks, and send the file again.";
  return rest(`Nothing is known to be taken in. ${reason}`, "bad");
}

function send() {
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", show);
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    say("All sent. The portal reads it now.");
  });
  request.addEventListener("load", () => answer(request));
  request.addEventListener("error", () => rest("The connection broke. Send the file again: what was taken in already is known by then.", "bad"));
  request.addEventListener("abort", () => rest("Stopped. Items that were read before are taken in.", "warn"));
  stop.onclick = () => request.abort();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(new FormData(form));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const file = form.elements.file.files[0];
  const most = Number(form.dataset.maxBytes);
  if (file.size > most) return rest(`This file has ${megabytes(file.size)}; at most ${megabytes(most)} are taken. Send it in parts.`, "bad");
  bar.value = 0;
  delete bar.dataset.said;
  amount.textContent = "";
  progress.hidden = stop.hidden = false;
  leave.hidden = button.disabled = true;
  form.setAttribute("aria-busy", "true");
  say("Sending.");
  return send();
});
