"""What the Kubernetes API is made of, and nothing of what it does.

registry    which resources exist            schema      what their objects may contain
quantity    `100m`, `1Gi`                    intstr      `25%` of something
selectors   which objects are meant          names       what an object may be called
times       RFC 3339 and back                codecs/     JSON and YAML
"""
