"""The API's description of itself in OpenAPI: version 3 for each group and version, and version 2 for all at once.

* *operations* are what can be done, read from the registry; *schemas* what objects contain, read from their types.
* A *dialect* writes both down in one version of OpenAPI.
* *documents* are put together when they are first asked for, and kept as bytes.
"""
