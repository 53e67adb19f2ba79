"""What every cache must do. Inherit it, and give it a fixture `cache`:

class TestMyCache(CacheContract):
    @pytest.fixture
    def cache(self) -> Cache:
        return MyCache()
"""

from __future__ import annotations

import random
import threading

import pytest

from siperb.cache import Cache, Key, Record

ORIGIN = "https://api.example"
OWNER = Key.scope_of(ORIGIN, "alice")
KEY = Key.of(ORIGIN, "alice", "prov", "SiperbProvisioning", "t" + "0" * 64)
SESSION = Key.of(ORIGIN, "the PAT of alice", "session", "SiperbLogin")
THEIRS = Key.of(ORIGIN, "bob", "prov", "SiperbProvisioning", "t" + "0" * 64)
BOB = Key.scope_of(ORIGIN, "bob")


def record(payload: str = "{}", *, lifetime: float | None = None) -> Record:
    return Record.new(payload, now=lambda: 1_700_000_000.25, random=random.random, lifetime=lifetime)


class CacheContract:
    @pytest.fixture
    def cache(self) -> Cache:
        raise NotImplementedError("a conformance test needs a fixture `cache` that makes an empty one")

    @pytest.fixture(autouse=True)
    def _clean(self, cache: Cache) -> None:
        for owner in (OWNER, BOB):
            assert cache.forget(owner)

    def test_nothing_is_there_at_first(self, cache: Cache) -> None:
        assert cache.load(KEY) is None

    @pytest.mark.parametrize("lifetime", [None, 24 * 86400.0])
    def test_what_is_saved_is_loaded(self, cache: Cache, lifetime: float | None) -> None:
        saved = record('{"SipPassword": "secret"}', lifetime=lifetime)
        assert cache.save(KEY, saved, owner=OWNER) is True
        assert cache.load(KEY) == saved

    @pytest.mark.parametrize("size", [0, 900, 6_000, 64_000])
    def test_documents_of_any_size_come_back(self, cache: Cache, size: int) -> None:
        saved = record('{"a": "' + "x" * size + '"}')
        assert cache.save(KEY, saved, owner=OWNER)
        assert cache.load(KEY) == saved

    @pytest.mark.parametrize(
        "text", ["Grüße, 電話 📞", "a lone surrogate \ud83d", 'quotes " and \\ and \n\r\t', "\0\x7f"]
    )
    def test_text_of_any_kind_comes_back(self, cache: Cache, text: str) -> None:
        saved = record(text)
        assert cache.save(KEY, saved, owner=OWNER)
        assert cache.load(KEY) == saved

    def test_the_last_save_wins(self, cache: Cache) -> None:
        for payload in ("x" * 5000, "short", "y" * 9000):
            saved = record(payload)
            assert cache.save(KEY, saved, owner=OWNER)
            assert cache.load(KEY) == saved

    def test_a_save_over_the_expected_generation_replaces_it(self, cache: Cache) -> None:
        old, new = record("old"), record("new")
        cache.save(KEY, old, owner=OWNER)
        assert cache.save(KEY, new, owner=OWNER, expected=old.generation) is True
        assert cache.load(KEY) == new

    def test_a_save_over_another_generation_is_dropped(self, cache: Cache) -> None:
        old, current, late = record("old"), record("current"), record("late")
        cache.save(KEY, current, owner=OWNER)
        assert cache.save(KEY, late, owner=OWNER, expected=old.generation) is False
        assert cache.load(KEY) == current

    def test_a_late_save_does_not_bring_back_what_was_evicted(self, cache: Cache) -> None:
        old = record("old")
        cache.save(KEY, old, owner=OWNER)
        assert cache.evict(KEY) is True
        assert cache.save(KEY, record("late"), owner=OWNER, expected=old.generation) is False
        assert cache.load(KEY) is None

    def test_evicting_removes_one_record(self, cache: Cache) -> None:
        kept = record("kept")
        cache.save(KEY, record("x" * 5000), owner=OWNER)
        cache.save(SESSION, kept, owner=OWNER)
        assert cache.evict(KEY) is True
        assert cache.load(KEY) is None
        assert cache.load(SESSION) == kept

    def test_evicting_nothing_is_success(self, cache: Cache) -> None:
        assert cache.evict(KEY) is True

    def test_forgetting_an_owner_removes_that_owners_records_of_every_scope(self, cache: Cache) -> None:
        theirs = record("theirs")
        cache.save(KEY, record("mine"), owner=OWNER)
        cache.save(SESSION, record("my session"), owner=OWNER)
        cache.save(THEIRS, theirs, owner=BOB)
        assert cache.forget(OWNER) is True
        assert cache.load(KEY) is None
        assert cache.load(SESSION) is None
        assert cache.load(THEIRS) == theirs

    def test_forgetting_nobody_is_success(self, cache: Cache) -> None:
        assert cache.forget(OWNER) is True

    def test_a_record_saved_after_forgetting_is_kept(self, cache: Cache) -> None:
        cache.save(KEY, record("old"), owner=OWNER)
        cache.forget(OWNER)
        new = record("new")
        assert cache.save(KEY, new, owner=OWNER)
        assert cache.load(KEY) == new

    def test_threads_see_whole_records_only(self, cache: Cache) -> None:
        written = [record(str(number) * 2000) for number in range(4)]
        seen: list[Record | None] = []

        def work(mine: Record) -> None:
            for _ in range(3):
                cache.save(KEY, mine, owner=OWNER)
                seen.append(cache.load(KEY))

        threads = [threading.Thread(target=work, args=(mine,)) for mine in written]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 12
        assert all(found in written for found in seen)

    def test_neither_the_cache_nor_a_record_shows_what_is_stored(self, cache: Cache) -> None:
        saved = record("a secret")
        cache.save(KEY, saved, owner=OWNER)
        assert "a secret" not in repr(cache) + str(cache) + repr(saved) + repr(cache.load(KEY))
