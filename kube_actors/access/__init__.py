"""Who may do what: identities as authenticated, what they ask for, and who decides.

* A *user* is who a request was found to come from (`User`): by client certificate, bearer token or the owner's socket.
* *Attributes* say what the request wants to do; an *authorizer* answers with a *decision*.
* The *authority* holds the cluster's keys: it signs certificates and tokens and checks them.
"""
