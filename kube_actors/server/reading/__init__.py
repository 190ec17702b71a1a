"""Reads over HTTP: one object, a list, a watch, each in the form the client accepts.

* The *accepted* form is what the client's `Accept` header chose among what can be written: the object itself, a Table
  (what `kubectl get` prints), or its metadata alone (`PartialObjectMetadata`); as JSON or YAML.
* A *piece* is a part of an answer's body that is sent as it is: bytes of stored objects are never joined or parsed for
  a list, and one piece serves every watcher.
* A *page* is a part of a list at one revision; its *token* (`continue`) says where the next one begins.
"""
