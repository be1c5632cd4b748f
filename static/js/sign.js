// The browser's half of a signing ceremony. It does not take the portal's word for what is signed: it reads the statement, derives
// the challenge from it, and refuses when the portal asks the passkey for anything else. Without this script nothing can be signed.
import { said } from "./words.js";

const NAMESPACE = "human-approval@countersign";
const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const WARN_SECONDS = 60;

const text = new TextEncoder();
const form = document.getElementById("ceremony");
const button = document.getElementById("ceremony-sign");
const status = document.getElementById("ceremony-status");
const offered = JSON.parse(document.getElementById("ceremony-offer").textContent);

const fromBase64 = (value) => Uint8Array.from(atob(value.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toBase64url = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

function sshString(bytes) {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, bytes.length);
  return join(size, bytes);
}

// SSHSIG over the DSSE pre-authentication encoding of the statement.
async function deriveChallenge(payload) {
  const type = text.encode(PAYLOAD_TYPE);
  const encoding = join(text.encode(`DSSEv1 ${type.length} ${PAYLOAD_TYPE} ${payload.length} `), payload);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-512", encoding));
  const named = [NAMESPACE, "", "sha512"].map((part) => sshString(text.encode(part)));
  return join(text.encode("SSHSIG"), ...named, sshString(hash));
}

const isEqual = (left, right) => left.length === right.length && left.every((byte, at) => byte === right[at]);

function say(message, tone) {
  status.textContent = message;
  status.className = tone ? `notice ${tone}` : "notice";
}

function refuse(message) {
  say(message, "bad");
  button.hidden = true;
}

// What the page says must be what the statement says: this compares the two before the passkey is asked, by the text that is read, and the
// statement in full as well.
function isShownAsSigned(statement) {
  const texts = (within) => Array.from(document.querySelectorAll(within), (item) => item.textContent.trim());
  const { predicate } = statement;
  const digests = statement.subject.flatMap((item) => Object.entries(item.digest).map(([name, hex]) => `${name}:${hex}`));
  const whole = texts("[data-signed=whole]").map((text) => JSON.stringify(JSON.parse(text)));
  return (
    texts("[data-signed=summary]").join() === predicate.review.display.summary.trim() &&
    texts("[data-signed=subject]").sort().join() === digests.sort().join() &&
    texts("[data-signed=environment] bdi").every((name) => name === predicate.environment.name) &&
    whole.join() === JSON.stringify(statement)
  );
}

function explain(error) {
  if (error.name === "NotAllowedError") {
    return said("Nothing was signed: the passkey prompt was closed, timed out, or none of your approval keys is on this device. Try again when you are ready.");
  }
  if (error.name === "SecurityError") {
    return said("Nothing was signed: this page is not served from {name}, where your key was enrolled. Open the portal under its own address.", { name: offered.rpId });
  }
  return said("Nothing was signed: the browser reported {name}. Try again, or use another browser or key.", { name: error.name });
}

async function sign() {
  const payload = fromBase64(offered.payload);
  const challenge = await deriveChallenge(payload);
  if (!isEqual(challenge, fromBase64(offered.challenge))) {
    return refuse(said("Stopped: the portal asked your passkey to sign something else than the statement on this page. Do not go on; tell your security team."));
  }
  if (!isShownAsSigned(JSON.parse(new TextDecoder().decode(payload)))) {
    return refuse(said("Stopped: this page shows something else than the statement says. Do not go on; tell your security team."));
  }
  say(said("Waiting for your passkey. Follow your browser's prompt."));
  const credential = await navigator.credentials.get({
    publicKey: {
      challenge,
      rpId: offered.rpId,
      allowCredentials: offered.credentialIds.map((id) => ({ type: "public-key", id: fromBase64(id) })),
      userVerification: "required",
      timeout: offered.timeout,
    },
  });
  form.elements.assertion.value = JSON.stringify({
    credentialId: toBase64url(credential.rawId),
    authenticatorData: toBase64url(credential.response.authenticatorData),
    clientDataJSON: toBase64url(credential.response.clientDataJSON),
    signature: toBase64url(credential.response.signature),
  });
  say(said("Signed. The portal is checking and recording it."));
  form.submit();
}

button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    await sign();
  } catch (error) {
    say(explain(error), "warn");
    button.focus();
  }
  button.disabled = false;
});

function watchExpiry() {
  const left = Math.round(Date.parse(offered.expiresAt) / 1000 - Date.now() / 1000);
  if (left <= 0) {
    return refuse(said("The time to sign is over and nothing was signed. Go back to the request and start again."));
  }
  if (left === WARN_SECONDS) {
    say(said("{seconds} seconds are left to sign. If that is too short, go back and start again.", { seconds: WARN_SECONDS }), "warn");
  }
  setTimeout(watchExpiry, 1000);
}

if (!window.isSecureContext || !navigator.credentials) {
  refuse(said("This browser offers no passkeys here. Open the portal over https in a current browser."));
} else {
  button.hidden = false;
  say(said("Ready. Read the statement, then sign with your passkey."));
  watchExpiry();
}
