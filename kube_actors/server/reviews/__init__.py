"""Questions that are asked by POST and stored nowhere: who is it, and may he."""
