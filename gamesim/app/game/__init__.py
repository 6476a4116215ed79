"""A game or a dream on screen: the session, its boards, and what a player can do with them."""
