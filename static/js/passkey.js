// Forms that need a passkey: `data-passkey` says create or get; the options come with the page or from `data-options-url`.
// The credential goes into the form's hidden field and the form is sent. The server checks everything again.
import { said } from "./words.js";

const WORDS = {
  NotAllowedError: said("Nothing happened: the passkey was not used, or it took too long. Try again when you are ready."),
  InvalidStateError: said("This device holds a key for this purpose already. Use it, or choose another device."),
  SecurityError: said("The browser does not accept passkeys for this address. Open the portal under its proper name."),
  NotSupportedError: said("This device offers no kind of key that the portal accepts."),
};

const decode = (options, kind) =>
  kind === "create" ? PublicKeyCredential.parseCreationOptionsFromJSON(options) : PublicKeyCredential.parseRequestOptionsFromJSON(options);

async function optionsOf(form) {
  if (!form.dataset.optionsUrl) return JSON.parse(document.getElementById(form.dataset.options).textContent).publicKey;
  const response = await fetch(form.dataset.optionsUrl, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(said("The portal did not answer. Reload the page and try again."));
  return (await response.json()).request_options.publicKey;
}

function askForResidentKey(options, form) {
  const alone = form.elements.passwordless;
  if (!alone) return;
  const required = alone.checked;
  Object.assign(options.authenticatorSelection, {
    residentKey: required ? "required" : "discouraged",
    requireResidentKey: required,
    ...(required && { userVerification: "required" }),
  });
}

async function run(form) {
  const says = form.querySelector("[data-passkey-says]");
  const button = form.querySelector("button[type=submit]");
  const kind = form.dataset.passkey;
  says.hidden = true;
  button.disabled = true;
  try {
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) throw new Error(said("This browser is too old for passkeys."));
    const options = await optionsOf(form);
    if (kind === "create") askForResidentKey(options, form);
    const publicKey = decode(options, kind);
    const credential = await navigator.credentials[kind]({ publicKey });
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch (error) {
    says.textContent = WORDS[error.name] ?? error.message;
    says.hidden = false;
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(form);
  });
  // Served disabled: pressed before this script is here, the form would be sent without a credential.
  form.querySelector("button[type=submit]").disabled = false;
}
