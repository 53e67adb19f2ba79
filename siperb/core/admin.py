"""The calls of an administrator: of each what is sent, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from attrs import frozen

from siperb.core.operations import Operation
from siperb.core.records import Key
from siperb.core.structure import structure
from siperb.core.wire import Request, Response, is_object
from siperb.errors import APIResponseError
from siperb.models import DomainUser, Session

T_co = TypeVar("T_co", covariant=True)


@frozen(eq=False, repr=False)
class Ask(Generic[T_co]):
    """An operation whose answer is read as a model."""

    operation: Operation
    read: Callable[[Any], T_co]
    cache_key: None = None

    @property
    def is_list(self) -> bool:
        return self.operation.is_list

    def build(self, session: Session, domain_user: str | None = None) -> Request:
        return self.operation.build(session, domain_user)

    def parse(self, response: Response) -> T_co:
        answer = self.operation.parse(response)
        try:
            return self.read(answer)
        except APIResponseError as error:
            error.maybe_done = not self.operation.repeatable
            raise

    def key(self, origin: str, user_id: str, domain_user: str | None = None) -> Key | None:
        return None


DOMAIN_USERS = "/Users/{user_id}/DomainUsers"


def get_domain_users(search: str | None) -> Ask[list[DomainUser]]:
    return Ask(Operation.of("GET", DOMAIN_USERS, params={"search": search}, is_list=True), _domain_users)


def _domain_users(answer: list[Any]) -> list[DomainUser]:
    return [_domain_user(each) for each in answer]


def _domain_user(answer: Any) -> DomainUser:
    return structure(DomainUser, _object(answer), "The domain user")


def _object(answer: Any) -> dict[str, Any]:
    if is_object(answer):
        return answer
    raise APIResponseError("The API's answer is not an object: check the base_url.")
