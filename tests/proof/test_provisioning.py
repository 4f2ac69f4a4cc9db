"""What a Linux guest's configuration says of who makes it new at its first boot."""

import pytest

from shared.proof.evidence.provisioning import makes_keys, people, replaces_keys


@pytest.mark.parametrize(
    ("text", "makes"),
    [
        ("Provisioning.RegenerateSshHostKeyPair=y\n", True),
        ("# a comment\n  Provisioning.RegenerateSshHostKeyPair = Y\n", True),
        ("Provisioning.RegenerateSshHostKeyPair=n\n", False),
        ("#Provisioning.RegenerateSshHostKeyPair=y\n", False),
        (
            "Provisioning.RegenerateSshHostKeyPair=y\nProvisioning.RegenerateSshHostKeyPair=n\n",
            False,
        ),
        ("Provisioning.DeleteRootPassword=y\n", False),
        ("", False),
    ],
)
def test_waagent_makes_keys_where_it_is_told_to(text: str, makes: bool) -> None:  # noqa: FBT001
    """The last line that sets it counts; without one it does not."""
    assert makes_keys(text) is makes


@pytest.mark.parametrize(
    ("texts", "replaces"),
    [
        ([], True),
        (["users:\n - default\n"], True),
        (["datasource_list: [ Azure ]\n"], True),
        (["datasource_list: [ NoCloud, Azure, None ]"], True),
        (["datasource_list: [ NoCloud ]\n"], False),
        (["cloud_init_modules: [seed_random, ssh]\n"], True),
        (["cloud_init_modules: [seed_random, users-groups]\n"], False),
        (["cloud_init_modules:\n# - ssh\n - bootcmd\n"], False),
        (["cloud_init_modules:  # first\n\n - bootcmd\n - [ssh, always]\ncloud_final:\n"], True),
        (["cloud_init_modules:\n - bootcmd\ncloud_config_modules:\n - ssh\n"], False),
        (["ssh_deletekeys: true\n"], True),
        (["ssh_deletekeys: false\n"], False),
        (["ssh_deletekeys:   'no'  # ours\n"], False),
        (["ssh_deletekeys: 0\n"], False),
        (["ssh_deletekeys: false\n", "ssh_deletekeys: true\n"], True),
        (["ssh_deletekeys: true\n", "ssh_deletekeys: False\n"], False),
        (["# ssh_deletekeys: false\n"], True),
        (["system_info:\n  ssh_deletekeys: false\n"], True),
        (["manual_cache_clean: true\n"], False),
        (["manual_cache_clean: false\n"], True),
    ],
)
def test_cloud_init_replaces_keys_unless_it_is_told_not_to(
    texts: list[str],
    replaces: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """By its module; its files count in their order, and a cache that is kept keeps the keys."""
    assert replaces_keys(["cloud_init_modules:\n - ssh\n", *texts]) is replaces


@pytest.mark.parametrize("texts", [[], [""], ["ssh_deletekeys: true\n"], ["system_info: {}\n"]])
def test_cloud_init_without_modules_replaces_nothing(texts: list[str]) -> None:
    """Only its configuration defines what it runs."""
    assert not replaces_keys(texts)


def test_people_are_those_who_can_log_in() -> None:
    """By the numbers of their accounts; services, `nobody` and invalid lines are ignored."""
    passwd = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
azureuser:x:1000:1000:Ubuntu:/home/azureuser:/bin/bash
build:x:1001:1001::/home/build:/bin/sh
kept-out:x:1002:1002::/home/kept-out:/sbin/nologin
lxd:x:999:100::/var/snap/lxd/common/lxd:/bin/false
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
broken:x:1003
"""
    assert people(passwd) == ["azureuser", "build"]
