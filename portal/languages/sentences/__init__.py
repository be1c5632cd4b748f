"""The sentences that code writes in English and a page may say in the reader's language. A part that varies is `%(name)s`."""

from __future__ import annotations

from portal.languages.sentences.acts import ACTS
from portal.languages.sentences.desk import DESK
from portal.languages.sentences.keys import KEYS
from portal.languages.sentences.notices import NOTICES
from portal.languages.sentences.passport import PASSPORT
from portal.languages.sentences.policies import POLICIES
from portal.languages.sentences.refusals import REFUSALS
from portal.languages.sentences.review import REVIEW

SENTENCES = tuple(dict.fromkeys((*DESK, *KEYS, *NOTICES, *REVIEW, *REFUSALS, *ACTS, *PASSPORT, *POLICIES)))
