"""The ledger's client: at the simulated storage, and at a real blob server if there is one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import trustme
from azure.identity import ManagedIdentityCredential

from shared.cloud.ledger import LedgerStore
from shared.model.errors import Refused, Transient
from shared.model.ledger import month_of
from shared.model.outcomes import Outcome, OutcomeType
from simulator.blob.append import ACCOUNT
from simulator.simulator import Simulator
from tests.simulator.azurite_running import Claims, azurite
from tests.unit.making import NOW

MONTH = month_of(NOW)


class Storage:
    """A container that does not exist yet, and who may write there."""

    def __init__(self, account: str, credential: Any) -> None:  # noqa: ANN401 - two kinds
        self.container = f"{account}/ledger-{uuid4()}"
        self.credential = credential

    @property
    def store(self) -> LedgerStore:
        """The client of a new process."""
        return LedgerStore(self.container, self.credential)

    @property
    def subjects(self) -> list[str]:
        """The VMs in the ledger."""
        return [str(entry["subject"]) for entry in self.store.read(MONTH).entries]

    def blob(self, method: str, query: str = "", **headers: str) -> requests.Response:
        """Do something with the month's first blob, as an operator."""
        token = self.credential.get_token("https://storage.azure.com/.default").token
        own = {"Authorization": f"Bearer {token}", "x-ms-version": "2023-11-03"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.container}/{MONTH}.jsonl{query}"
        return requests.request(method, url, headers=own | named, timeout=30)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str | None, Path]]:
    """Run Azurite, if it is installed; return its account and the CA to trust."""
    folder = tmp_path_factory.mktemp("azurite")
    ca = trustme.CA()
    leaf = ca.issue_cert("127.0.0.1", "localhost")
    certificate, key, trusted = (folder / f"{name}.pem" for name in ("cert", "key", "ca"))
    for part in leaf.cert_chain_pems:
        part.write_to_path(certificate, append=True)
    leaf.private_key_pem.write_to_path(key)
    ca.cert_pem.write_to_path(trusted)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        with azurite(folder, certificate, key) as account:
            yield account, trusted


@pytest.fixture(params=["simulated", "azurite"])
def storage(
    sim: Simulator,
    real: tuple[str | None, Path],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Storage:
    """Return a container in the simulated account, or in Azurite's."""
    if request.param == "simulated":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(sim.ca_path))
        app = ManagedIdentityCredential(client_id=sim.environment()["AZURE_CLIENT_ID"])
        return Storage(f"{sim.arm_endpoint}/{ACCOUNT}", app)
    account, trusted = real
    if account is None:
        pytest.skip("no Azurite (npm ci --ignore-scripts --prefix tests/simulator/azurite)")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    return Storage(account, Claims())


def ended(name: str, kind: OutcomeType = OutcomeType.NO_LONGER_BILLED) -> Outcome:
    """Make the outcome of a VM."""
    return Outcome(f"id of {name}", kind, f"/vms/{name}", name, NOW, {"seconds": 60})


def test_the_first_line_makes_container_and_blob(storage: Storage) -> None:
    """Lines follow in their order; other outcomes are not kept."""
    store = storage.store
    assert store.read(MONTH).entries == []
    for name in ("first", "second"):
        store.keep(ended(name))
    store.keep(ended("alerted", OutcomeType.STILL_BILLED))
    assert storage.subjects == ["first", "second"]
    assert store.read("1999-01").entries == []


def test_one_process_appends_an_outcome_once_and_two_are_read_once(storage: Storage) -> None:
    """The line of another process is there twice, and is dropped by its id."""
    store = storage.store
    for _ in range(3):
        store.keep(ended("web"))
    assert storage.blob("GET").text.count("\n") == 1
    storage.store.keep(ended("web"))
    assert storage.blob("GET").text.count("\n") == 2
    assert storage.subjects == ["web"]


def test_a_leased_blob_is_left_for_the_next_part(storage: Storage) -> None:
    """Whoever holds the lease keeps the blob; the ledger goes on beside it."""
    storage.store.keep(ended("first"))
    lease = {"x_ms_lease_action": "acquire", "x_ms_lease_duration": "-1"}
    assert storage.blob("PUT", "?comp=lease", **lease).status_code == 201
    storage.store.keep(ended("second"))
    assert storage.blob("GET").text.count("\n") == 1
    assert storage.subjects == ["first", "second"]


def test_a_blob_of_another_type_is_left_for_the_next_part(storage: Storage) -> None:
    """Its content is no entry."""
    storage.store.keep(ended("first"))
    assert storage.blob("DELETE").status_code == 202
    assert storage.blob("PUT", x_ms_blob_type="BlockBlob").status_code == 201
    storage.store.keep(ended("second"))
    assert storage.subjects == ["second"]


def test_a_deleted_blob_begins_anew(storage: Storage) -> None:
    """What it had is lost, what comes is kept."""
    store = storage.store
    store.keep(ended("first"))
    storage.blob("DELETE")
    store.keep(ended("second"))
    assert storage.subjects == ["second"]


def test_workers_lose_no_line(storage: Storage) -> None:
    """Forty processes at once, the container not made yet."""
    names = [f"vm-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda name: storage.store.keep(ended(name)), names))
    assert sorted(storage.subjects) == sorted(names)


def test_a_refusal_is_logged_and_not_raised(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    """A container name that storage does not take; reading says it."""
    storage.container = f"{storage.container.rpartition('/')[0]}/NO"
    storage.store.keep(ended("web"))
    assert "the ledger has no line of" in caplog.text
    with pytest.raises(Refused):
        storage.store.read(MONTH)


def test_an_unreachable_account_is_transient(storage: Storage) -> None:
    """The outcome is published again, and the line is appended then."""
    storage.container = "https://127.0.0.1:1/account/ledger"
    with pytest.raises(Transient, match="could not be reached"):
        storage.store.keep(ended("web"))


def test_a_caller_without_a_token_is_refused(sim: Simulator) -> None:
    """Nor is one with a token for ARM let in."""
    url = f"{sim.arm_endpoint}/{ACCOUNT}/ledger/x?comp=appendblock"
    assert requests.put(url, timeout=30, verify=str(sim.ca_path)).status_code == 401
    app = ManagedIdentityCredential(client_id=sim.environment()["AZURE_CLIENT_ID"])
    token = app.get_token(f"{sim.arm_endpoint}/.default").token
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.put(url, headers=headers, timeout=30, verify=str(sim.ca_path))
    assert answer.status_code == 401


def test_a_blob_is_full_after_its_blocks(sim: Simulator) -> None:
    """50,000 in Azure; the next part takes the next line."""
    app = ManagedIdentityCredential(client_id=sim.environment()["AZURE_CLIENT_ID"])
    storage = Storage(f"{sim.arm_endpoint}/{ACCOUNT}", app)
    sim.arm.blobs.append.most_blocks = 1
    for name in ("first", "second", "third"):
        storage.store.keep(ended(name))
    assert storage.subjects == ["first", "second", "third"]
