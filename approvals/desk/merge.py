"""The first rows among several projects, at a cost that does not hang on where the rows are. PostgreSQL alone does that; SQLite reads on.

Left to itself the database walks one index over all projects until it has met enough rows of the right ones, which is quick for who reads most
of them and takes seconds for who reads two of a thousand. Here it walks so far and no farther, and where that was not enough it looks at the
beginning of each project's own index, and then at a page of each of those that may have part in it: the first fifty rows are in the fifty
projects whose first rows come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from identities.models import Project

Reach = list[str] | QuerySet[Project] | RawSQL
# The project that a statement for one project is for.
EACH = RawSQL('"reach"."id"', ())
# Of so few projects each is looked at. Of more, so many rows are walked first.
FEW, WALKED = 20, 2000


@dataclass(frozen=True)
class Among:
    """The projects to look through, and the same rows as those of `EACH`, of whichever project they are."""

    reach: Reach
    everywhere: QuerySet[Any, Any]
    walked: int = WALKED

    @property
    def are_few(self) -> bool:
        """Whether each is looked at at once."""
        return isinstance(self.reach, list) and len(self.reach) <= FEW


def first_among(each: QuerySet[Any, Any], among: Among, *, keys: Sequence[str], descending: bool, most: int) -> RawSQL:
    """Return the ids of the first `most` rows in these projects, to be asked `pk__in`.

    `each` are the rows of `EACH`, annotated with `keys` and ordered by them; `among.everywhere` the same.
    """
    order = ", ".join(f'"{key}" {"DESC" if descending else "ASC"}' for key in keys)
    reach, values = _reach(among.reach)
    first, looked = each.values("pk", *keys)[:1].query.sql_with_params()
    page, paged = each.values("pk", *keys)[:most].query.sql_with_params()
    # The database layer wrote what is put together here, with the values apart; the rest are names and numbers of ours.
    reached = f'WITH "reach"("id") AS MATERIALIZED ({reach})'
    of_each = 'SELECT "page"."pk" FROM {} CROSS JOIN LATERAL ({}) AS "page" {} ORDER BY {} LIMIT {}'
    if among.are_few:
        return RawSQL(f"{reached} {of_each.format('reach', page, '', order, most)}", (*values, *paged))  # noqa: S611
    walk, walked = among.everywhere.values("pk", "project_id", *keys)[: among.walked].query.sql_with_params()
    near = f'SELECT "pk" FROM ({walk}) AS "walk" WHERE "project_id" IN (SELECT "id" FROM "reach") ORDER BY {order} LIMIT {most}'  # noqa: S608
    firsts = f'SELECT "reach"."id" FROM "reach" CROSS JOIN LATERAL ({first}) AS "first" ORDER BY {order} LIMIT {most}'  # noqa: S608
    farther = of_each.format(f'({firsts}) AS "reach"', page, f'WHERE (SELECT COUNT(*) FROM "near") < {most}', order, most)  # noqa: S608
    sql = f'{reached}, "near" AS MATERIALIZED ({near}) SELECT "pk" FROM "near" UNION ALL ({farther})'  # noqa: S608
    return RawSQL(sql, (*values, *walked, *looked, *paged))  # noqa: S611


def _reach(reach: Reach) -> tuple[str, Sequence[Any]]:
    """Return the statement that gives the ids of the projects, and the values in it."""
    if isinstance(reach, list):
        return "SELECT unnest(%s::varchar[])", [reach]
    assert isinstance(reach, QuerySet), "one project alone is not looked through for others"
    return reach.order_by().values("pk").query.sql_with_params()
