# ruff: noqa: INP001 - its folder is no package, but a place where Python looks for it
"""Gives Cloud Custodian's public cloud another ARM endpoint, before Custodian starts.

Custodian knows Azure's own clouds alone and takes their endpoints from msrestazure. No file of
either is changed: this one is imported by every interpreter that has its folder in PYTHONPATH.
"""

import os

from msrestazure.azure_cloud import AZURE_PUBLIC_CLOUD  # type: ignore[import-not-found]

AZURE_PUBLIC_CLOUD.endpoints.resource_manager = os.environ["ARM_ENDPOINT"]
