"""API priority and fairness: which requests go on when there are more than the server wants to answer at once.

* A *FlowSchema* picks requests (`matching`) and says which *priority level* they belong to; what its distinguisher
  tells apart (users, namespaces) are its *flows*.
* A priority level has so many *seats*; a request takes one, a long list several, and a write that many watches are to
  be told of some more for a moment (`work`, as `estimates` says). Each level has its nominal share of all seats, and
  lends what it does not use (`borrowing`).
* A request that finds no seat waits in one of the *hand* of queues that its flow is dealt (`dealing`), and is let in
  when its queue is next (`queue_set`): queues take turns, so that a flow that floods its few queues holds up no other.
* A watch keeps its seat until it has told what there was when it began (`beginnings`).
* Whoever is refused is told when to come again: the later, the more are refused (`dropped`).
* `configuration` reads all this from the cluster's objects; `gate` is where requests wait; `dump` shows who does.

Times here are machine seconds: what is fair between clients does not depend on the cluster's clock.
"""
