"""The calls that fetch something, made ready to be driven."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from siperb import core, facade
from siperb.core import flows
from siperb.core.calls import Call, GetDevices, GetProvisioning
from siperb.core.flows import LOGIN_KEY, Credentials
from siperb.errors import ConfigurationError
from siperb.facade.accounts import Accounts
from siperb.facade.arguments import cache_key_of, check_concurrency, check_kind, given_session, iterable
from siperb.facade.invocation import Invocation

if TYPE_CHECKING:
    from siperb.core.admin import Ask
    from siperb.facade.bulk import Bulk, BulkRun, OnProgress
    from siperb.facade.provisioning import Step
    from siperb.models import Device, DomainUser, Provisioning, ProvisioningResult

logger: logging.Logger = logging.getLogger("siperb")
Item = TypeVar("Item")
T = TypeVar("T")


class Calls(Accounts):
    """A client with its calls, without what drives them."""

    def _get_devices(
        self,
        user_id: str | None,
        session_token: str | None,
        enable_cache: bool,
        session_key: str,
        timeout: float | None,
        platform: str | None,
    ) -> Invocation[list[Device]]:
        if platform is not None:
            check_kind("platform", platform, str)
        call = GetDevices(cache_key_of("session_key", session_key, enable_cache), platform)
        publish = self._publish_devices if platform == "script" else None
        return self._fetch(call, user_id, session_token, publish, timeout)

    def _publish_devices(self, user_id: str, devices: list[Device]) -> None:
        self.state.publish(user_id, devices=list(devices))
        logger.info("Got %d script devices", len(devices))

    def _get_provisioning(
        self,
        device_token: str,
        user_id: str | None,
        session_token: str | None,
        enable_cache: bool,
        provisioning_key: str,
        timeout: float | None,
    ) -> Invocation[Provisioning]:
        call = GetProvisioning(device_token, cache_key_of("provisioning_key", provisioning_key, enable_cache))
        return self._fetch(call, user_id, session_token, self._publish_provisioning, timeout)

    def _publish_provisioning(self, user_id: str, provisioning: Provisioning) -> None:
        self.state.publish(user_id, provisioning=provisioning)
        logger.info("Got the provisioning of a device")

    def _request(
        self, method: str, path: str, ids: Mapping[str, str], timeout: float | None, **options: Any
    ) -> Invocation[Any]:
        """options: those of `Operation.of`."""
        in_view = self._domain_user is not None
        return self._fetch(core.operations.Operation.of(method, path, ids, in_view=in_view, **options), timeout=timeout)

    def _of_domain(self, call: Call[T], timeout: float | None) -> Invocation[T]:
        self._refuse_in_view("see or change domain users")
        return self._fetch(call, timeout=timeout)

    def _create_domain_user(
        self,
        email: str,
        description: str | None,
        exist_ok: bool,
        welcome: bool,
        mailing_list: bool,
        timeout: float | None,
    ) -> Invocation[DomainUser]:
        create = core.admin.create_domain_user(email, description, welcome, mailing_list)
        invocation, look = self._of_domain(create, timeout), core.admin.get_domain_users(email.strip())

        def is_it(user: DomainUser) -> bool:
            return (user.email or "").strip().casefold() == email.strip().casefold()

        return self._or_there(invocation, look, create, is_it) if exist_ok else invocation

    def _create_device(
        self,
        description: str,
        platform: str,
        exist_ok: bool,
        registration: Mapping[str, object] | None,
        timeout: float | None,
    ) -> Invocation[Device]:
        create = core.admin.create_device(description, platform, registration)
        invocation, look = self._fetch(create, timeout=timeout), core.admin.get_every_device()

        def is_it(device: Device) -> bool:
            return (device.platform, device.description) == (platform, description)

        return self._or_there(invocation, look, create, is_it) if exist_ok else invocation

    def _or_there(
        self, invocation: Invocation[T], look: Ask[list[T]], create: Ask[T], is_it: Callable[[T], bool]
    ) -> Invocation[T]:
        return evolve(invocation, flow=partial(core.ensure.ensure, invocation.context, look, create, is_it))

    def _fetch(
        self,
        call: Call[T],
        user_id: str | None = None,
        session_token: str | None = None,
        publish: Callable[[str, T], None] | None = None,
        timeout: float | None = None,
    ) -> Invocation[T]:
        given = given_session(user_id, session_token)
        run, context = self._bulk_run(), self._context(timeout)
        epoch = run.epoch if run else self._current_epoch()
        cache_key = LOGIN_KEY if call.cache_key is not None else None
        credentials = Credentials() if given else self._own_credentials(context.origin, cache_key)
        account = context.origin, credentials.pat
        context.refusal = epoch.refusal(account)

        def publish_as_its_user(answer: T) -> None:
            session = given or epoch.session(account)
            if publish and session and context.domain_user is None and (given or epoch.account == account):
                publish(session.user_id, answer)

        flow = partial(flows.fetch, context, call, given)
        identity = (call, context.origin, given, credentials, epoch, run, context.domain_user)
        return Invocation(
            context,
            credentials,
            flow,
            epoch,
            publish_as_its_user,
            identity,
            is_bound_to_login=run is not None,
            stop=run.stops[-1] if run else None,
        )

    def _begin_bulk_run(self) -> BulkRun:
        """One that is part of another holds back with it, and ends with it."""
        stops = (SimpleQueue[None](),)
        if outer := self._bulk_run():
            return evolve(outer, stops=outer.stops + stops)
        context, epoch = self._context(), self._current_epoch()
        credentials = self._own_credentials(context.origin, None)
        refusal = epoch.refusal((context.origin, credentials.pat))
        return facade.bulk.BulkRun(self._cache, epoch, credentials, context.began, refusal, stops=stops)

    def _bulk(
        self, work: Callable[[Item], Any], items: Iterable[Item], concurrency: int, on_progress: OnProgress
    ) -> Bulk[Item, Any]:
        progress = facade.bulk.Progress(on_progress, items)
        return facade.bulk.Bulk(work, iter(iterable("items", items)), check_concurrency(concurrency), progress)

    def _provision_all(
        self,
        device_tokens: Iterable[str] | None,
        domain_users: Iterable[DomainUser | str] | None,
        concurrency: int,
        on_progress: OnProgress,
        timeout: float,
    ) -> Bulk[Step, ProvisioningResult]:
        steps = facade.provisioning
        first: Iterable[Step] = [steps.Step()]
        if domain_users is not None:
            self._refuse_in_view("provision domain users")
            if device_tokens is not None:
                raise ConfigurationError(
                    "Pass device_tokens or domain_users, not both: the devices are listed by user."
                )
            first = map(steps.list_devices, iterable("domain_users", domain_users))
        elif device_tokens is not None:
            first = map(steps.provision, iterable("device_tokens", device_tokens))
        todo = steps.Steps(first, facade.bulk.Progress(on_progress, device_tokens))

        def work(step: Step) -> Any:
            client = self if step.user_id is None else self.for_user(step.user_id)
            return client._drive(client._fetch(step.call(), timeout=timeout))

        return facade.bulk.Bulk(work, todo, check_concurrency(concurrency), todo.finish)

    def _drive(self, invocation: Invocation[Any]) -> Any:
        raise NotImplementedError
