"""Who may do what: identities as authenticated, what they ask for, and who decides.

* A *user* is who a request was found to come from (`User`): by client certificate, bearer token or the owner's socket.
* *Attributes* say what the request wants to do; an *authorizer* answers with a *decision*.
* RBAC is the authorizer: a *role* is a set of rules, a *binding* gives it to subjects, a *grant* is what one gets.
  Rules *cover* others when they give all that those give: the measure of who may hand out what, and of default roles.
* Kubelets have an authorizer before it, which goes by what runs on their *node*, and `NodeRestriction` for what they
  write.
* The *authority* holds the cluster's keys (`pki/` in its state): certificates of server and clients, and the key that
  signs the *tokens* of service accounts. A token's *claims* say whom it speaks for and what it is *bound* to.
* *Authenticators* find the user of a request; a certificate that a client shows may be a *stranger's*, who is nobody.
  A *signer* answers those who ask for a certificate.
"""
