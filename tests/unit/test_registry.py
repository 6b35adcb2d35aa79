"""Registries are cheap tables of names: targets load when used, unknown names list the known ones."""

import json

import pytest

from whyalike.data.registry import SOURCES
from whyalike.figures.registry import FIGURES
from whyalike.models.registry import MODELS
from whyalike.registry import Entry, Registry
from whyalike.similarity.metrics.registry import METRICS

TABLE = Registry("writer", {"dumps": Entry("json:dumps", "text"), "absent": Entry("no.such.module:write", "nothing")})


def test_an_entry_loads_its_target_and_names_its_module():
    assert TABLE["dumps"].load() is json.dumps
    assert TABLE["dumps"].module == "json"
    assert TABLE["dumps"].facts == "text"


def test_a_target_is_imported_only_when_it_is_used():
    assert TABLE["absent"].facts == "nothing"
    with pytest.raises(ModuleNotFoundError, match="no"):
        TABLE["absent"].load()


def test_an_unknown_name_gets_the_nearest_and_all_known_ones():
    with pytest.raises(KeyError, match=r"unknown writer 'dump'\. Did you mean 'dumps'\? Known: dumps, absent\."):
        TABLE["dump"]


def test_a_name_like_no_other_gets_no_hint():
    assert TABLE.unknown("zzz") == "unknown writer 'zzz'. Known: dumps, absent."


def test_a_registry_is_a_mapping_in_the_order_given():
    assert list(TABLE) == ["dumps", "absent"]
    assert len(TABLE) == 2
    assert "dumps" in TABLE
    assert "load" not in TABLE


def test_later_changes_of_the_given_table_do_not_reach_the_registry():
    entries = {"dumps": Entry("json:dumps", None)}
    table = Registry("writer", entries)
    entries.clear()
    assert list(table) == ["dumps"]


@pytest.mark.parametrize("registry", [SOURCES, MODELS, METRICS, FIGURES], ids=lambda registry: registry.kind)
def test_every_target_exists(registry):
    for name, entry in registry.items():
        assert entry.load() is not None, name
