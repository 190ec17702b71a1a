"""Writing over HTTP: create, update, patch, apply and delete.

A request's *body* is read into the JSON it stands for, whatever its media type (`bodies`); its *options* are those of
the query (`options`). The write itself is the way in that everybody takes, `kube_actors.writes`; it is answered when
it is durable (`answers`).
"""
