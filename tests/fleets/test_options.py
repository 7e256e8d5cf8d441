"""The options of a sync set, which its syncs take over."""

import pytest

from fleets.editing import check_set
from fleets.models import SyncSet
from syncs.errors import EditRefused
from vault.models import Project


@pytest.mark.parametrize("name", ["only_tags", "except_tags"])
def test_a_source_without_tags_says_so_at_the_option(name: str) -> None:
    each = SyncSet(project=Project(source="openbao"), **{name: "devin"})

    with pytest.raises(EditRefused, match="The secrets of Vault / OpenBao carry no tags to choose by") as refused:
        check_set(each, {name})

    assert refused.value.field == name
    check_set(SyncSet(project=Project(source="infisical"), **{name: "devin"}), {name})
