"""The addresses that answer without a sign-in or a credential, each with the reason. Everything else names what it demands.

`tests/house` goes through the whole URL map and fails for an address that does neither.
"""

from __future__ import annotations

# URL name → why anybody may see it.
PUBLIC = {
    "portal:home": "sends people to the sign-in page or to their queue",
    "portal:healthz": "says that the process answers, nothing else",
    "portal:readyz": "says whether tables are up to date, nothing else",
    "portal:api_schema": "the shape of the API is in the public repository too",
    "portal:api_docs": "the same shape, drawn",
    "approvals:policy_schema": "the shape of a policy is in the public repository too; editors fetch it without a sign-in",
    "ledger:checkpoint": "a signed tree head is made to be compared by strangers; it tells the size of the log and nothing of its entries",
    "identities:token": "the body is the proof: a workload token is exchanged once for a credential, and everything else is refused",
    "account_login": "the sign-in page",
    "account_logout": "signs out whoever asks",
    "account_signup": "says that nobody makes an account for themselves",
    "account_inactive": "says that an account was suspended",
    "account_reset_password": "asks for a name and tells nobody whether it exists",
    "account_reset_password_done": "says that mail may have been sent",
    "account_reset_password_from_key": "works only with a key that was mailed",
    "account_reset_password_from_key_done": "says that the password was changed",
    "account_confirm_email": "works only with a key that was mailed",
    "account_email_verification_sent": "says that mail may have been sent",
    "openid_connect_login": "leads to an identity provider, by a form",
    "openid_connect_callback": "takes what an OpenID provider answers, for the session that asked it",
    "saml_login": "leads to an identity provider, by a form",
    "saml_acs": "the body is the proof: a response that a SAML provider signed, verified before anything of it is kept",
    "saml_finish_acs": "signs in with a verified response, in the session that asked for it",
    "saml_metadata": "what an identity provider has to know of this portal; nothing in it is secret",
    "mfa_login_webauthn": "signs in with a passkey",
    "mfa_authenticate": "the second step of a sign-in; without the first it leads back to the start",
}
# Self-service of whoever is signed in: allauth demands the sign-in itself, and shows people their own account only.
OWN_ACCOUNT_PREFIXES = ("account_", "mfa_", "usersessions_")
# Django's admin asks for staff at every address; the tables in it are read-only.
STAFF_NAMESPACE = "admin"
