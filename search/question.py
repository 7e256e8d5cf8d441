"""What somebody looks for, and how well a name answers it.

the name is the text            0
it begins with the text         1
it has the text in it           2
it has each word of the text    3
"""

from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.http import urlencode

from search.hits import MOST

# Nobody types more; what is pasted is cut.
LONGEST, MOST_WORDS = 100, 6
LAST = 3


@dataclass(frozen=True)
class Question:
    text: str = ""

    @classmethod
    def of(cls, typed: str) -> Self:
        return cls(" ".join(typed.split())[:LONGEST].strip())

    def __bool__(self) -> bool:
        return bool(self.text)

    @property
    def words(self) -> list[str]:
        return self.text.split()[:MOST_WORDS]

    def rank(self, name: str) -> int | None:
        """None for a name that lacks a word."""
        text, low = self.text.lower(), name.lower()
        if any(word.lower() not in low for word in self.words):
            return None
        return 0 if low == text else 1 if low.startswith(text) else 2 if text in low else LAST

    def rank_or_last(self, name: str) -> int:
        """Also for what was found by more than its name."""
        rank = self.rank(name)
        return LAST + 1 if rank is None else rank

    def matches(self, column: str) -> Q:
        """The rows whose column has each word."""
        found = Q()
        for word in self.words:
            found &= Q(**{f"{column}__icontains": word})
        return found

    def ranks(self, *columns: str) -> Case:
        """The best rank of these columns, for an order."""
        kinds = (("iexact", 0), ("istartswith", 1), ("icontains", 2))
        whens = [
            When(Q(**{f"{column}__{lookup}": self.text}), then=Value(rank))
            for lookup, rank in kinds
            for column in columns
        ]
        return Case(*whens, default=Value(LAST), output_field=IntegerField())

    def best(self, rows: QuerySet[Any], *columns: str, also: str = "", order: str = "") -> QuerySet[Any]:
        """By how well one of the columns answers, then by `order`; `also` is one that has all the words that count."""
        found: QuerySet[Any] = rows.filter(self.matches(also or columns[0])).annotate(rank=self.ranks(*columns))
        return found.order_by("rank", order or columns[0], "pk")[: MOST + 1]

    def in_list(self, name: str) -> str:
        """The address of an admin's list that is searched for the same."""
        return f"{reverse(f'admin:{name}_changelist')}?{urlencode({'q': self.text})}"
