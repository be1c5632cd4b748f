"""Sentences about one's own approval keys, their recovery and one's sessions: how sure one can be of a key, what was done, what was refused."""

from __future__ import annotations

from django.utils.translation import gettext_noop as noop

# `identities.keys.describe` and `identities.keys.end_keys`; what roles one has, `identities.permissions`; what a browser calls itself.
SHOWN = (
    noop("You are %(held)s."),
    noop("Bound to your sign-in at %(name)s"),
    noop("The portal vouches"),
    noop("Reaches H2: your key signs, and the portal alone vouches that it is yours"),
    noop("Reaches H3: your key signs, and your identity provider confirmed that it is yours; it may be copied to other devices"),
    noop(
        "Reaches H3, and H4 where the make of the device is attested and trusted: your identity provider confirmed that it is yours",
    ),
    noop("introduced by a key that was lost, since somebody else may have had that"),
    noop("more elsewhere"),
    noop("Unknown browser"),
)
# What the portal says after something was done with a key or a session.
DONE = (
    noop("The key is called “%(name)s” now."),
    noop("“%(name)s” is enrolled. You can approve with it from now on."),
    noop("“%(name)s” is enrolled. It counts everywhere but in environments of tier 3 until it has waited."),
    noop("“%(name)s” is revoked. Nothing can be approved with it any more."),
    noop("“%(name)s” is revoked. Nothing can be approved with it any more. So is %(many)s, which it introduced since."),
    noop("“%(name)s” is revoked. Nothing can be approved with it any more. So are %(many)s, which it introduced since."),
    noop("You asked for a recovery. Tell two officers, by a way they know you by."),
    noop("You took the recovery back. Nothing changed."),
    noop("You agreed. One more officer must agree."),
    noop("You agreed. %(name)s can add a new key now."),
    noop("You refused the recovery of %(name)s. Nothing changes."),
    noop("That session is ended. Whoever had it has to sign in again."),
    noop("1 other session ended. This one goes on."),
    noop("%(count)s other sessions ended. This one goes on."),
)
# `identities.keys` and `identities.people.recovery`, as whoever keeps a key meets them.
REFUSED = (
    noop("You have %(count)s approval keys; revoke one before you add another."),
    noop("Your identity provider has to confirm this key; sign in there when the page asks for it."),
    noop("Got a key that is enrolled already."),
    noop("Got a key that is enrolled already; once revoked, a key never comes back either."),
    noop("Another identity holds a live key as %(name)s; it is revoked first, or stays the only one."),
    noop(
        "You had an approval key before: a new one is introduced by a live one of yours, or needs a recovery that two officers agreed to.",
    ),
    noop("This answer belongs to no open offer; start again, each offer is good for one answer."),
    noop("The offer ran out before the key answered; start again."),
    noop("This answer belongs to no open question; touch the older key again."),
    noop("The question ran out before the older key answered; touch it again."),
    noop("There is no new key that waits to be enrolled; start again and make one."),
    noop("The new key waited too long; start again and make another one."),
    noop("Got a sign-in of another session, expected one that was begun here; start again."),
    noop("This sign-in belongs to no key that waits; start again and make one."),
    noop("You sign in with an account of this portal; there is no provider to confirm the key at."),
    noop("The authenticator does not say that a person was there."),
    noop("The authenticator did not verify the person by PIN, finger or face."),
    noop("There is no such key, or it is not yours."),
    noop("%(name)s is revoked already."),
    noop("%(name)s is revoked, and introduces nothing."),
    noop("Got %(got)s, expected a time that is not in the future."),
    noop("Got a time before the key was enrolled, %(moment)s."),
    noop("Leave this empty, or say above that the key is lost."),
    noop("This recovery is your own; two other officers agree to it."),
    noop("The new key is enrolled already."),
    noop("The new key is enrolled already; whoever doubts it revokes that key or suspends the person."),
    noop("This recovery was ended; the person opens another one."),
    noop("This recovery ran out at %(moment)s; the person opens another one."),
    noop("There is no such recovery."),
    noop("You never had an approval key; add your first one, it needs no recovery."),
    noop("You hold a live approval key; add another one with it, or report it lost first."),
    noop("There is no such session of yours; it may have ended already."),
)
# `identities.sign_in` and what the sign-in library says, in words of ours where its own are not those of the pages around them.
SIGN_IN = (
    noop("You are signed out."),
    noop("Signed in"),
    noop("Signed out"),
    noop("Failed to sign in"),
    noop("Was refused at sign-in"),
    noop("A new set of recovery codes is made."),
    noop("The authenticator app is set up."),
    noop("The authenticator app is turned off."),
    noop("The passkey is added."),
    noop("The passkey is removed."),
    noop("The password is changed."),
    noop("Sign-in with an account of this portal is switched off. Sign in with %(many)s."),
    noop("Sign-in with an account of this portal is switched off. The operator can allow it again (manage.py allow_local_sign_in)."),
    noop("You sign in with %(name)s; this portal keeps no password and no sign-in passkey for you."),
    noop("Use your password"),
    noop("Use authenticator app or code"),
    noop("Use a security key"),
    noop("Authenticator code"),
    noop("The username and/or password you specified are not correct."),
    noop("Too many failed login attempts. Try again later."),
    noop("Please type your current password."),
    noop("You must type the same password each time."),
)
KEYS = (*SHOWN, *DONE, *REFUSED, *SIGN_IN)
