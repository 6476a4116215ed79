"""A game or a dream on screen: the session that is played, its boards, and what can be done with it."""
