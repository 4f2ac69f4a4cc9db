"""Which of a function app's settings the commands take over."""

import pytest

from cli.app import safe_settings


@pytest.mark.parametrize(
    ("ledger", "good"),
    [
        ("https://stillframe7z5nf.blob.core.windows.net/ledger", True),
        ("https://stillframe7z5nf.blob.core.usgovcloudapi.net/ledger", True),
        ("https://stillframe7z5nf.z12.blob.storage.azure.net/ledger", True),
        ("https://evil.example/ledger", False),
        ("https://evil.example/stillframe.blob.core.windows.net/ledger", False),
        ("https://stillframe.blob.core.windows.net.evil.example/ledger", False),
        ("https://a@stillframe.blob.core.windows.net/ledger", False),
        ("", False),
    ],
)
def test_a_token_goes_to_azures_storage_alone(ledger: str, *, good: bool) -> None:
    """Whoever may change the app's settings gets no token of whoever reads them."""
    assert safe_settings({"LEDGER": ledger}) == ({"LEDGER": ledger} if good else {})


def test_secrets_and_the_endpoint_stay_where_they_are() -> None:
    """Only Stillframe's own settings are taken over, and not where ARM is."""
    found = {"PROOF": "off", "ARM_ENDPOINT": "https://evil.example", "AzureWebJobsStorage": "key"}
    assert safe_settings(found) == {"PROOF": "off"}
