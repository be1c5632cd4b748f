// Tells whether this browser came by the portal's address and can hold passkeys for it. Decides nothing.
const place = document.querySelector("[data-address]");

async function look() {
  const { address, domain } = place.dataset;
  if (location.origin !== address) return ["bad", `This browser came by ${location.origin}, not by ${address}. Passkeys enrolled here would not fit.`];
  const host = location.hostname;
  if (host !== domain && !host.endsWith(`.${domain}`)) return ["bad", `${host} does not belong to the passkey domain ${domain}.`];
  if (!window.PublicKeyCredential) return ["bad", "This browser offers no passkeys here: it wants https, or localhost."];
  const own = await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable?.();
  return ["ok", own ? "The address is right, and this device can hold a passkey." : "The address is right; a security key can hold a passkey."];
}

if (place) {
  const [tone, words] = await look();
  place.classList.replace("plain", tone);
  place.querySelector("p").textContent = words;
}
