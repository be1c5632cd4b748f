"""The filters that providers look people and groups up with (RFC 7644 section 3.4.2.2): attributes that equal a text, joined by `and`.

Everything else the RFC knows is refused with `scim.filter`, which its section 3.12 calls `invalidFilter`: a filter that is read as less than
it says would find somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q
from scim2_models import SCIMException, ScimFilter
from scim2_models.path import CompareOperator, Comparison, LogicalExpr, LogicalOperator

from proofs.errors import Malformed

MAX_FILTER = 1000
MAX_TERMS = 10
# The attribute in lower case → the lookup. Names are compared without case (RFC 7643 section 4.1.1), ids of others' systems with it.
PEOPLE = {"username": "user_name__iexact", "externalid": "external_id", "displayname": "attributes__displayName__iexact"}
GROUPS = {"displayname": "display_name__iexact", "externalid": "external_id"}


def read_filter(text: str, lookups: Mapping[str, str], *, schema: str) -> Q:
    """Return the condition a filter stands for; an empty text is none. Refuses with `scim.filter`."""
    if not text.strip():
        return Q()
    if len(text) > MAX_FILTER:
        raise Malformed("scim.filter", f"got a filter of {len(text)} characters, expected at most {MAX_FILTER}")
    try:
        tree = ScimFilter(text).ast
    except (SCIMException, RecursionError) as error:
        raise Malformed("scim.filter", f"got a filter that cannot be read: {str(error)[:200]}") from error
    terms = list(tree.terms) if isinstance(tree, LogicalExpr) and tree.op == LogicalOperator.and_ else [tree]
    if len(terms) > MAX_TERMS:
        raise Malformed("scim.filter", f"got {len(terms)} comparisons, expected at most {MAX_TERMS}")
    condition = Q()
    for term in terms:
        condition &= _comparison(term, lookups, schema)
    return condition


def _comparison(term: object, lookups: Mapping[str, str], schema: str) -> Q:
    expected = f"expected one of {', '.join(sorted(lookups))} with eq and a text, joined by and"
    if not isinstance(term, Comparison) or term.op != CompareOperator.eq or not isinstance(term.value, str):
        raise Malformed("scim.filter", f"got {str(term)[:80]!r}, {expected}")
    path = term.attr_path
    lookup = lookups.get(path.attr.lower())
    if lookup is None or path.sub_attr is not None or (path.uri is not None and str(path.uri).lower() != schema.lower()):
        raise Malformed("scim.filter", f"got the attribute {str(path)[:80]!r}, {expected}")
    if "\0" in term.value:
        raise Malformed("scim.filter", f"got a NUL character, {expected}")
    return Q(**{lookup: term.value})
