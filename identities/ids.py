"""Identifiers: a ULID (Crockford base 32, time-ordered) behind a prefix that names the kind of thing."""

from __future__ import annotations

from ulid import ULID


def new_id(prefix: str) -> str:
    """Return `<prefix>_<26 characters>`, for example `req_01JZ…`."""
    return f"{prefix}_{ULID()}"


def new_identity_id() -> str:
    return new_id("idn")


def new_team_id() -> str:
    return new_id("team")


def new_project_id() -> str:
    return new_id("prj")


def new_environment_id() -> str:
    return new_id("env")


def new_signing_key_id() -> str:
    return new_id("key")


def new_credential_id() -> str:
    return new_id("crd")


def new_token_issuer_id() -> str:
    return new_id("iss")


def new_workload_binding_id() -> str:
    return new_id("wlb")


def new_grant_id() -> str:
    return new_id("grt")


def new_block_id() -> str:
    return new_id("blk")


def new_identity_provider_id() -> str:
    return new_id("idp")


def new_bound_sign_in_id() -> str:
    return new_id("bsi")


def new_key_recovery_id() -> str:
    return new_id("rec")


def new_provisioning_token_id() -> str:
    return new_id("pvt")


def new_provisioned_person_id() -> str:
    return new_id("scu")


def new_provisioned_group_id() -> str:
    return new_id("scg")


def new_linked_account_id() -> str:
    return new_id("lac")
