"""One small manifest of every kind that can be created and kept, by the resource's full name.

`NAME` stands for the name, `SPACE` for the namespace, `REQUEST` for a certificate request in base64.
"""

from __future__ import annotations

import base64
import functools
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kube_actors.api.registry import Resource

_POD = "{containers: [{name: c, image: host, command: [sleep, '1000']}]}"
_TEMPLATE = f"{{metadata: {{labels: {{app: NAME}}}}, spec: {_POD}}}"
_SELECTED = f"selector: {{matchLabels: {{app: NAME}}}}, template: {_TEMPLATE}"
_JOB = "{template: {spec: {restartPolicy: Never, containers: [{name: c, image: host}]}}}"
_WEBHOOK = (
    "{name: a.example.com, admissionReviewVersions: [v1], sideEffects: None, failurePolicy: Ignore, "
    "clientConfig: {url: 'https://127.0.0.1:9/'}, namespaceSelector: {matchLabels: {never: matches}}}"
)
_MATCHED = (
    "matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}"
)
_DEVICES = "{devices: {requests: [{name: one, exactly: {deviceClassName: NAME}}]}}"

NAMESPACED: Final[dict[str, str]] = {
    "configmaps": "data: {colour: blue}",
    "endpoints": "subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{name: http, port: 80}]}]",
    "events": (
        "involvedObject: {apiVersion: v1, kind: Pod, name: x, namespace: SPACE}\n"
        "reason: Tested\nmessage: told\ntype: Normal"
    ),
    "limitranges": (
        "spec: {limits: [{type: Container, default: {cpu: 500m}, defaultRequest: {cpu: 100m}, max: {cpu: '2'}}]}"
    ),
    "persistentvolumeclaims": "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
    "pods": f"spec: {_POD}",
    "podtemplates": f"template: {_TEMPLATE}",
    "replicationcontrollers": f"spec: {{replicas: 0, selector: {{app: NAME}}, template: {_TEMPLATE}}}",
    "resourcequotas": "spec: {hard: {pods: '20'}}",
    "secrets": "stringData: {password: hidden}",
    "serviceaccounts": "imagePullSecrets: [{name: pull}]",
    "services": "spec: {selector: {serves: NAME}, ports: [{port: 80}]}",
    "controllerrevisions.apps": "revision: 3\ndata: {a: b}",
    "daemonsets.apps": f"spec: {{{_SELECTED}}}",
    "deployments.apps": f"spec: {{replicas: 0, {_SELECTED}}}",
    "replicasets.apps": f"spec: {{replicas: 0, {_SELECTED}}}",
    "statefulsets.apps": f"spec: {{serviceName: NAME, replicas: 0, {_SELECTED}}}",
    "horizontalpodautoscalers.autoscaling": (
        "spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: NAME}, "
        "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]}"
    ),
    "cronjobs.batch": f"spec: {{schedule: '0 3 * * *', jobTemplate: {{spec: {_JOB}}}}}",
    "jobs.batch": f"spec: {_JOB}",
    "leases.coordination.k8s.io": "spec: {holderIdentity: somebody, leaseDurationSeconds: 15}",
    "endpointslices.discovery.k8s.io": (
        "addressType: IPv4\nports: [{name: http, port: 80}]\n"
        "endpoints: [{addresses: [192.0.2.2], conditions: {ready: true}}]"
    ),
    "ingresses.networking.k8s.io": (
        "spec: {ingressClassName: NAME, tls: [{hosts: [a.example], secretName: certificate}], "
        "rules: [{host: a.example, http: {paths: [{path: /shop, pathType: Prefix, "
        "backend: {service: {name: NAME, port: {number: 80}}}}]}}]}"
    ),
    "networkpolicies.networking.k8s.io": (
        "spec: {podSelector: {matchLabels: {app: NAME}}, policyTypes: [Ingress], "
        "ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 80}]}]}"
    ),
    "poddisruptionbudgets.policy": "spec: {minAvailable: 1, selector: {matchLabels: {app: NAME}}}",
    "rolebindings.rbac.authorization.k8s.io": (
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: NAME}\n"
        "subjects: [{kind: User, name: ann, apiGroup: rbac.authorization.k8s.io}]"
    ),
    "roles.rbac.authorization.k8s.io": "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
    "resourceclaims.resource.k8s.io": f"spec: {_DEVICES}",
    "resourceclaimtemplates.resource.k8s.io": f"spec: {{spec: {_DEVICES}}}",
    "csistoragecapacities.storage.k8s.io": "storageClassName: NAME\ncapacity: 1Gi",
}
"""What follows the metadata, by resource."""

CLUSTER_WIDE: Final[dict[str, str]] = {
    "namespaces": "",
    "nodes": "spec: {unschedulable: true}",
    "persistentvolumes": (
        "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], "
        "persistentVolumeReclaimPolicy: Retain, hostPath: {path: /tmp/x}}"
    ),
    "mutatingadmissionpolicies.admissionregistration.k8s.io": (
        f"spec: {{failurePolicy: Ignore, reinvocationPolicy: Never, {_MATCHED}, "
        "mutations: [{patchType: JSONPatch, jsonPatch: {expression: '[]'}}]}"
    ),
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "spec: {policyName: never}",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": f"webhooks: [{_WEBHOOK}]",
    "validatingadmissionpolicies.admissionregistration.k8s.io": (
        f"spec: {{failurePolicy: Ignore, {_MATCHED}, validations: [{{expression: 'true'}}]}}"
    ),
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": (
        "spec: {policyName: never, validationActions: [Deny]}"
    ),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": f"webhooks: [{_WEBHOOK}]",
    "customresourcedefinitions.apiextensions.k8s.io": (
        "spec: {group: example.com, scope: Namespaced, names: {plural: things, singular: thing, kind: Thing}, "
        "versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}"
    ),
    "apiservices.apiregistration.k8s.io": (
        "spec: {group: metrics.example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 100, "
        "insecureSkipTLSVerify: true, service: {name: metrics, namespace: default}}"
    ),
    "certificatesigningrequests.certificates.k8s.io": (
        "spec: {request: REQUEST, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}"
    ),
    "flowschemas.flowcontrol.apiserver.k8s.io": (
        "spec: {priorityLevelConfiguration: {name: NAME}, matchingPrecedence: 9000}"
    ),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": (
        "spec: {type: Limited, limited: {nominalConcurrencyShares: 1, limitResponse: {type: Reject}}}"
    ),
    "ingressclasses.networking.k8s.io": "spec: {controller: example.com/ingress}",
    "ipaddresses.networking.k8s.io": "spec: {parentRef: {resource: services, namespace: default, name: kubernetes}}",
    "servicecidrs.networking.k8s.io": "spec: {cidrs: [192.0.2.0/24]}",
    "runtimeclasses.node.k8s.io": "handler: special",
    "clusterrolebindings.rbac.authorization.k8s.io": (
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAME}\n"
        "subjects: [{kind: Group, name: ops, apiGroup: rbac.authorization.k8s.io}]"
    ),
    "clusterroles.rbac.authorization.k8s.io": "rules: [{nonResourceURLs: [/logs], verbs: [get]}]",
    "deviceclasses.resource.k8s.io": "spec: {selectors: [{cel: {expression: 'true'}}]}",
    "resourceslices.resource.k8s.io": (
        "spec: {driver: example.com, nodeName: node-1, pool: {name: p, generation: 1, resourceSliceCount: 1}, "
        "devices: [{name: d}]}"
    ),
    "priorityclasses.scheduling.k8s.io": "value: 7\ndescription: seven",
    "csidrivers.storage.k8s.io": "spec: {attachRequired: false}",
    "csinodes.storage.k8s.io": "spec: {drivers: [{name: example.com, nodeID: one}]}",
    "storageclasses.storage.k8s.io": "provisioner: example.com/disks",
    "volumeattachments.storage.k8s.io": (
        "spec: {attacher: example.com, nodeName: node-1, source: {persistentVolumeName: NAME}}"
    ),
    "volumeattributesclasses.storage.k8s.io": "driverName: example.com\nparameters: {speed: fast}",
}

_OWN_NAMES: Final = {
    "customresourcedefinitions.apiextensions.k8s.io": "things.example.com",
    "apiservices.apiregistration.k8s.io": "v1.metrics.example.com",
    "ipaddresses.networking.k8s.io": "192.0.2.9",
}
"""Names that the kind prescribes."""


def name_of(resource: str, name: str) -> str:
    """What the object of this resource is called when the others are called `name`."""
    return _OWN_NAMES.get(resource, name)


def manifest(row: Resource, name: str, namespace: str) -> str:
    """The YAML document of one object of this resource."""
    if row.namespaced:
        rest, where = NAMESPACED[row.id], f", namespace: {namespace}"
    else:
        rest, where = CLUSTER_WIDE[row.id], ""
    for word, value in (("SPACE", namespace), ("NAME", name), ("REQUEST", _certificate_request())):
        rest = rest.replace(word, value)
    head = f"apiVersion: {row.api_version}\nkind: {row.kind}\nmetadata: {{name: {name_of(row.id, name)}{where}}}"
    return f"{head}\n{rest}\n"


@functools.cache
def _certificate_request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "described")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
