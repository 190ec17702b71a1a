"""Ingresses."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import is_address
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.domain_paths import typed_reference_rules
from kube_actors.kinds.rules.load_balancers import ingress_status_rules

PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_BAD_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_BAD_AT_END = ("/..", "/.")


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec, found = new.get("spec") or {}, []
    rules = spec.get("rules")
    if not rules and spec.get("defaultBackend") is None:
        found.append(causes.invalid("spec", rules, "either `defaultBackend` or `rules` must be specified"))
    if spec.get("defaultBackend") is not None:
        found += _backend(spec["defaultBackend"], "spec.defaultBackend")
    for index, rule in enumerate(rules or ()):
        found += _rule(rule, f"spec.rules[{index}]")
    for index, each in enumerate(spec.get("tls") or ()):
        found += _tls(each, f"spec.tls[{index}]")
    chosen = spec.get("ingressClassName")
    if chosen is not None:
        found += [causes.invalid("spec.ingressClassName", chosen, why) for why in names.dns1123_subdomain(chosen)]
        annotated = (new["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION)
        if old is None and annotated not in (None, chosen):
            why = "must match `ingressClassName` when both are specified"
            found.append(causes.invalid(f"annotations.{CLASS_ANNOTATION}", annotated, why))
    return found


def _host(host: str, field: str) -> list[Cause]:
    """A name, or all names directly below one."""
    wrong = names.wildcard_subdomain(host) if "*" in host else names.dns1123_subdomain(host)
    return [causes.invalid(field, host, why) for why in wrong]


def _tls(tls: Body, field: str) -> list[Cause]:
    found = [cause for at, host in enumerate(tls.get("hosts") or ()) for cause in _host(host, f"{field}.hosts[{at}]")]
    secret = tls.get("secretName")
    if secret:
        found += [causes.invalid(f"{field}.secretName", secret, why) for why in names.dns1123_subdomain(secret)]
    return found


def _rule(rule: Body, field: str) -> list[Cause]:
    host, found = rule.get("host") or "", []
    if host and is_address(host):
        found.append(causes.invalid(f"{field}.host", host, "must be a DNS name, not an IP address"))
    found += _host(host, f"{field}.host") if host else []
    http = rule.get("http")
    if http is None:
        return found
    paths = http.get("paths") or []
    if not paths:
        found.append(causes.required(f"{field}.http.paths"))
    for at, each in enumerate(paths):
        place = f"{field}.http.paths[{at}]"
        found += _path(each, place)
        if each.get("pathType") is not None:
            found += _backend(each.get("backend") or {}, f"{place}.backend")
    return found


def _path(each: Body, place: str) -> list[Cause]:
    kind, path = each.get("pathType"), each.get("path", "")
    if kind is None:
        return [causes.required(f"{place}.pathType", "pathType must be specified")]
    if kind not in PATH_TYPES:
        return [causes.not_supported(f"{place}.pathType", kind, PATH_TYPES)]
    if kind == "ImplementationSpecific":
        fits = not path or path.startswith("/")
        return [] if fits else [causes.invalid(f"{place}.path", path, "must be an absolute path")]
    found = [] if path.startswith("/") else [causes.invalid(f"{place}.path", path, "must be an absolute path")]
    found += [
        causes.invalid(f"{place}.path", path, f"must not contain '{bad}'") for bad in _BAD_IN_PATHS if bad in path
    ]
    found += [
        causes.invalid(f"{place}.path", path, f"cannot end with '{bad}'") for bad in _BAD_AT_END if path.endswith(bad)
    ]
    return found


def _backend(backend: Body, field: str) -> list[Cause]:
    service: Any = backend.get("service")
    resource = backend.get("resource")
    if service is not None and resource is not None:
        return [causes.invalid(field, "", "cannot set both resource and service backends")]
    if service is None and resource is None:
        return [causes.invalid(field, "", "resource or service backend is required")]
    if resource is not None:
        return typed_reference_rules(resource, f"{field}.resource")
    found = []
    name, port = service.get("name"), service.get("port") or {}
    if not name:
        found.append(causes.required(f"{field}.service.name"))
    else:
        found += [causes.invalid(f"{field}.service.name", name, why) for why in names.dns1035_label(name)]
    if port.get("name") and port.get("number"):
        found.append(causes.invalid(field, "", "cannot set both port name & port number"))
    elif port.get("name"):
        found += [
            causes.invalid(f"{field}.service.port.name", port["name"], why) for why in names.port_name(port["name"])
        ]
    elif port.get("number"):
        found += causes.port(f"{field}.service.port.number", port["number"])
    else:
        found.append(causes.required(field, "port name or number is required"))
    return found


HOOKS = Hooks(validate=_validate, validate_subresource={"status": ingress_status_rules})
